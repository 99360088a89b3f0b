# SPDX-License-Identifier: MIT
"""Several processes with one multiprocess.dir: who pushes, who listens, what is left at the end."""
import shutil
import signal
import tempfile
import unittest

from case import NEXT_PUSH_SECONDS, StackCase, push_config
from exposition import value
from fakes import FakeGateway
from stack import web
from stack.process import free_port


class SetTest(StackCase):
    def setUp(self):
        self.shared = tempfile.mkdtemp(prefix="promplug-set-", dir="/dev/shm")
        self.addCleanup(shutil.rmtree, self.shared, ignore_errors=True)
        self.gateway = self.fake(FakeGateway())

    def member(self, on_stop="push", **changes):
        config = push_config(self.gateway.url, on_stop=on_stop)
        config["multiprocess"] = {"dir": self.shared, "collect_interval_seconds": 0.2}
        return self.host({**config, **changes})

    def total(self, host):
        """The requests that all processes have counted, by whom they are asked."""
        lines = host.metrics().body.decode().splitlines()
        prefix = host.requests_family + "{"
        return sum(float(line.rsplit(" ", 1)[1]) for line in lines if line.startswith(prefix))

    def methods(self):
        return [request.method for request in self.gateway.requests]

    def test_another_process_pushes_when_the_one_that_did_is_killed(self):
        first = self.member()
        self.gateway.wait_requests(1, 10)
        second = self.member()
        for host in (first, second):
            for _ in range(5):
                host.request(host.failing_path)
        before = len(self.gateway.requests)
        total = self.total(second)
        first.process.send(signal.SIGKILL)
        second.wait_log("pushes and listens for its set from now on", 10)
        after = self.gateway.wait_requests(before + 1, NEXT_PUSH_SECONDS)
        self.assertEqual(set(self.methods()), {"PUT"}, "nothing is deleted in between")
        self.assertGreaterEqual(self.total(second), total)
        self.assertIn(second.requests_family.encode(), after[-1].body)

    def test_only_the_last_process_pushes_or_deletes_at_its_end(self):
        first = self.member(on_stop="delete")
        self.gateway.wait_requests(1, 10)
        second = self.member(on_stop="delete")
        self.assertEqual(first.stop(), 0)
        second.wait_log("pushes and listens for its set from now on", 10)
        self.assertNotIn("DELETE", self.methods())
        self.assertEqual(second.stop(), 0)
        self.assertEqual(self.methods()[-1], "DELETE")
        self.assertEqual(self.methods().count("DELETE"), 1)

    def test_the_last_push_of_one_that_never_pushed_has_what_all_have_counted(self):
        first = self.member()
        self.gateway.wait_requests(1, 10)
        second = self.member()
        for host in (first, second):
            for _ in range(3):
                host.request(host.failing_path)
        total = self.total(second)
        self.assertEqual(first.stop(), 0)
        self.assertEqual(second.stop(), 0)
        last = self.gateway.requests[-1]
        self.assertEqual(last.method, "PUT")
        lines = last.body.decode().splitlines()
        prefix = second.requests_family + "{"
        pushed = sum(float(line.rsplit(" ", 1)[1]) for line in lines if line.startswith(prefix))
        self.assertGreaterEqual(pushed, total)

    def test_a_set_that_begins_deletes_no_group_that_it_has_not_pushed(self):
        absent = f"http://127.0.0.1:{free_port()}/metrics"
        host = self.member(forward=[{"job": "node_exporter", "url": absent}])
        # An exporter that went would be gone by then.
        self.eventually(lambda: (value(host.metrics().text, "promplug_forward_skipped_total", worker="0",
                                       exporter="node_exporter") or 0) >= 3, 3 * NEXT_PUSH_SECONDS,
                        lambda: f"three rounds in {host.metrics().text}")
        self.assertEqual(set(self.methods()), {"PUT"})

    def test_the_listener_is_taken_over(self):
        port = free_port()
        scrape = {"listen": f"127.0.0.1:{port}"}
        first = self.member(scrape=scrape)
        second = self.member(scrape=scrape)
        url = f"http://127.0.0.1:{port}/metrics"
        self.assertEqual(web.status(url), 200)
        self.assertNotIn("cannot listen", second.log())
        first.process.send(signal.SIGKILL)
        self.eventually(lambda: web.status(url) == 200, 15, "the other process listens")
        self.assertIn("worker=\"1\"", web.request("GET", url).body.decode())

    def test_a_process_that_cannot_join_says_so_and_goes_on(self):
        config = push_config(self.gateway.url)
        config["multiprocess"] = {"dir": self.shared + "/missing"}
        host = self.host(config)
        host.wait_log(r"multiprocess\.dir: .*missing.*goes on by itself", 10)
        self.assert_serves(host)
        self.assertEqual(host.metrics().status, 200)


if __name__ == "__main__":
    unittest.main()
