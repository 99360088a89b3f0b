# SPDX-License-Identifier: MIT
"""What reaches a real Pushgateway, and through it Prometheus: at start, at stop, by each key."""
import re
import unittest

from case import StackCase, push_config
from stack import web
from stack.servers import Prometheus, Pushgateway

FIRST_PUSH_SECONDS = 10
# bcrypt of "s3cret-word", cost 4.
PASSWORD_HASH = "$2b$04$abcdefghijklmnopqrstuuzQDw2v3CQSMowG.sq3X.nH1lfmlmQMW"


def counted(group, family, **labels):
    """The sum of a counter's series in a group of the Pushgateway whose labels include these."""
    return sum(float(metric["value"]) for metric in group[family]["metrics"]
               if labels.items() <= metric["labels"].items())


class PushTest(StackCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.gateway = cls.class_server(Pushgateway)

    def pushing_host(self, instance, environment=None, stop_timeout_ms=5000, **changes):
        config = push_config(self.gateway.url, instance=instance, **changes)
        return self.host(config, environment=environment, stop_timeout_ms=stop_timeout_ms)

    def wait_group(self, job, instance, seconds=FIRST_PUSH_SECONDS):
        return self.eventually(lambda: self.gateway.group(job, instance), seconds,
                               lambda: f"the group {job}, {instance} of {list(self.gateway.groups())}")

    def test_a_push_is_in_prometheus_as_its_own_job_and_instance(self):
        prometheus = self.server(Prometheus, [("pushgateway", self.gateway.address, True)])
        host = self.pushing_host("10.0.0.5")
        self.wait_group("photo-api", "10.0.0.5")
        query = 'promplug_build_info{job="photo-api",instance="10.0.0.5"}'
        samples = self.eventually(lambda: prometheus.query(query), 15, query)
        self.assertEqual(len(samples), 1)
        self.assertFalse([n for n in samples[0][0] if n.startswith("exported_")])
        age = prometheus.value('time() - push_time_seconds{job="photo-api",instance="10.0.0.5"}')
        self.assertLess(age, 60)
        self.assertEqual(host.stop(), 0)

    def test_the_start_is_logged_in_the_exact_words(self):
        host = self.pushing_host("10.0.0.6", interval_seconds=30)
        host.wait_log(re.escape(f"Pushgateway enabled: url={self.gateway.url} interval=30s "
                                "job=photo-api instance=10.0.0.6") + "$")

    def test_stopping_pushes_the_last_state(self):
        host = self.pushing_host("last-state")
        self.wait_group("photo-api", "last-state")
        for _ in range(9):
            host.request(host.failing_path)
        self.assertEqual(host.stop(), 0)
        group = self.gateway.group("photo-api", "last-state")
        self.assertEqual(counted(group, host.requests_family, route=host.failing_path), 9)

    def test_stopping_deletes_the_group_by_configuration(self):
        host = self.pushing_host("deleted", on_stop="delete")
        self.wait_group("photo-api", "deleted")
        self.assertEqual(host.stop(), 0)
        self.assertIsNone(self.gateway.group("photo-api", "deleted"))

    def test_stopping_pushes_nothing_by_configuration(self):
        host = self.pushing_host("left", on_stop="none")
        before = self.wait_group("photo-api", "left")["push_time_seconds"]
        host.request(host.failing_path)
        self.assertEqual(host.stop(), 0)
        group = self.gateway.group("photo-api", "left")
        self.assertEqual(group["push_time_seconds"], before)

    def test_a_put_replaces_the_group_and_a_post_keeps_other_families(self):
        for method, kept in (("put", False), ("post", True)):
            with self.subTest(method):
                path = f"/metrics/job/photo-api/instance/by-{method}"
                web.request("PUT", self.gateway.url + path, body=b"left_over 1\n")
                host = self.pushing_host("by-" + method, method=method)
                group = self.eventually(
                    lambda m=method: self.with_family("by-" + m, "promplug_build_info"),
                    FIRST_PUSH_SECONDS, "the first push")
                self.assertEqual("left_over" in group, kept)
                host.stop()

    def with_family(self, instance, family):
        group = self.gateway.group("photo-api", instance) or {}
        return group if family in group else None

    def test_strange_job_instance_and_label_values_arrive_as_they_are(self):
        host = self.pushing_host("[fe80::1]:8000/a b", job="photo/api +50%",
                                 labels={"zone": "été ..", "rack": "a/b"})
        wanted = {"job": "photo/api +50%", "instance": "[fe80::1]:8000/a b", "zone": "été ..",
                  "rack": "a/b"}
        self.eventually(lambda: wanted in [dict(group) for group in self.gateway.groups()],
                        FIRST_PUSH_SECONDS,
                        lambda: f"{wanted} in {list(self.gateway.groups())}; log:\n{host.log()}")

    def test_a_plain_body_is_sent_by_configuration(self):
        self.pushing_host("plain", compression="none")
        self.assertIn("promplug_build_info", self.wait_group("photo-api", "plain"))

    def test_the_environment_wins_over_the_file(self):
        host = self.pushing_host("from-file", interval_seconds=60, environment={
            "INSTANCE_IP": "10.9.8.7", "PROMETHEUS_PUSH_INTERVAL_SECONDS": "5"})
        host.wait_log(r"Pushgateway enabled: url=\S+ interval=15s job=photo-api instance=10\.9\.8\.7$")
        host.wait_log(r"(?i)PROMETHEUS_PUSH_INTERVAL_SECONDS.*15")
        self.wait_group("photo-api", "10.9.8.7")
        self.assertIsNone(self.gateway.group("photo-api", "from-file"))

    def test_an_empty_url_in_the_environment_turns_the_push_off(self):
        host = self.pushing_host("off", environment={"PROMETHEUS_PUSHGATEWAY_URL": ""})
        host.wait_log(r"Pushgateway disabled \(.+\)")
        self.assert_serves(host)
        self.assertEqual(host.stop(), 0)
        self.assertIsNone(self.gateway.group("photo-api", "off"))

    def test_the_environment_alone_is_enough(self):
        host = self.host(None, environment={"PROMETHEUS_PUSHGATEWAY_URL": self.gateway.url,
                                            "INSTANCE_IP": "10.1.1.1"})
        host.wait_log(r"Pushgateway enabled: url=\S+ interval=30s job=photo-api instance=10\.1\.1\.1$")
        self.wait_group("photo-api", "10.1.1.1")

    def test_two_instances_keep_their_own_groups(self):
        hosts = [self.pushing_host(f"twin-{n}") for n in range(2)]
        for number, host in enumerate(hosts):
            for _ in range(number + 1):
                host.request(host.failing_path)
            host.stop()
        for number, host in enumerate(hosts):
            group = self.gateway.group("photo-api", f"twin-{number}")
            self.assertEqual(counted(group, host.requests_family, route=host.failing_path), number + 1)


class CredentialsTest(StackCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        path = cls.new_directory() / "web.yml"
        path.write_text(f"basic_auth_users:\n  pusher: '{PASSWORD_HASH}'\n", encoding="utf-8")
        cls.gateway = cls.class_server(ProtectedPushgateway, path)

    def test_credentials_in_the_url_are_used_and_never_logged(self):
        url = f"http://pusher:s3cret-word@{self.gateway.address}"
        host = self.host(push_config(url, instance="good-word"))
        self.eventually(lambda: self.gateway.has("good-word"), FIRST_PUSH_SECONDS,
                        lambda: f"the push with credentials; log:\n{host.log()}")
        host.stop()
        self.assertNotIn("s3cret-word", host.log())

    def test_a_refused_password_is_logged_without_it(self):
        url = f"http://pusher:wr0ng-word@{self.gateway.address}"
        host = self.host(push_config(url, instance="bad-word"))
        host.wait_log(r"\b401\b", FIRST_PUSH_SECONDS)
        self.assert_serves(host)
        host.stop()
        self.assertNotIn("wr0ng-word", host.log())
        self.assertFalse(self.gateway.has("bad-word"))


class ProtectedPushgateway(Pushgateway):
    """One that asks for a password, at /-/ready too."""
    AUTHORIZATION = {"Authorization": "Basic cHVzaGVyOnMzY3JldC13b3Jk"}

    def is_ready(self, port):
        return web.status(f"http://127.0.0.1:{port}/-/ready") == 401

    def has(self, instance):
        answer = web.get(self.url + "/metrics", headers=self.AUTHORIZATION)
        return f'instance="{instance}"' in answer.text


if __name__ == "__main__":
    unittest.main()
