# SPDX-License-Identifier: MIT
"""A host with one worker: scraped, pushed, with its node_exporter, reloaded, stopped; and without a
plugin or with a configuration that is wrong."""
import unittest

from case import Traffic, push_config
from exposition import read_families
from host_case import WAIT_SECONDS, GatewayCase, HostCase
from stack.servers import NodeExporter, Prometheus

BAD_CONFIG = "pushgateway:\n  job: x\n  ulr: http://127.0.0.1:1\n"


class ScrapeTest(HostCase):
    def test_a_real_prometheus_has_the_exact_count_of_the_requests(self):
        host = self.host({"forward": []})
        address = host.url.removeprefix("http://")
        prometheus = self.server(Prometheus, [("photo-api", address, False)])
        self.ask(host, 25)
        labels = ",".join(f'{name}="{text}"' for name, text in host.good_labels.items())
        query = f'sum({host.requests_family}{{job="photo-api",{labels}}})'
        self.eventually(lambda: prometheus.value(query) == 25, WAIT_SECONDS,
                        lambda: f"{query} is 25, not {prometheus.value(query)}")
        self.assertEqual(prometheus.targets(), {"photo-api": ("up", "")})
        families = read_families(host.metrics().text)
        self.assertEqual(families[host.requests_family.removesuffix("_total")].type, "counter")
        self.assertEqual(families[host.duration_family].type, "histogram")


class PushTest(GatewayCase):
    def test_the_host_and_its_node_exporter_are_pushed(self):
        exporter = self.server(NodeExporter)
        config = push_config(self.gateway.url, instance="pushed")
        config["forward"] = [{"job": "node_exporter", "url": exporter.url + "/metrics"}]
        host = self.host(config)
        self.assertIn("promplug_build_info", self.wait_group(host, "photo-api", "pushed"))
        forwarded = self.wait_group(host, "node_exporter", "pushed")
        self.assertIn("node_memory_MemTotal_bytes", forwarded)
        self.assertEqual([name for name in forwarded if name.startswith("go_")], [])

    def test_a_stop_in_good_order_pushes_the_last_state(self):
        host = self.host(push_config(self.gateway.url, instance="last"))
        self.ask(host, 9)
        self.assertEqual(host.stop(), 0, host.log())
        self.assertEqual(self.pushed(host, "photo-api", "last"), 9, host.log())

    def test_a_stop_deletes_the_group_by_configuration(self):
        host = self.host(push_config(self.gateway.url, instance="deleted", on_stop="delete"))
        self.wait_group(host, "photo-api", "deleted")
        self.assertEqual(host.stop(), 0, host.log())
        self.assertIsNone(self.gateway.group("photo-api", "deleted"), host.log())


class ReloadTest(GatewayCase):
    def test_a_reload_takes_the_new_configuration_while_requests_are_served(self):
        host = self.host(push_config(self.gateway.url, instance="before"))
        self.wait_group(host, "photo-api", "before")
        with Traffic(host, [host.good_path]) as traffic:
            host.reload(push_config(self.gateway.url, instance="after"))
            self.wait_group(host, "photo-api", "after")
        if host.reload_loses_nothing:
            self.assertEqual(traffic.failures, [])
        self.assertEqual({status for _, status, _ in traffic.results}, {200})

    def test_a_wrong_configuration_is_named_and_the_next_right_one_is_taken(self):
        host = self.host({"forward": []})
        self.assertEqual(host.metrics().status, 200)
        host.reload(BAD_CONFIG)
        host.wait_log(rf"{host.plugin_config_path}:3: .*\bulr\b")
        self.assert_serves(host)
        if host.survives_bad_reload:
            self.assertEqual(host.metrics().status, 200)
        else:
            self.eventually(lambda: host.metrics().status != 200, WAIT_SECONDS, "no metrics")
        host.reload(push_config(self.gateway.url, instance="mended"))
        self.wait_group(host, "photo-api", "mended")
        self.assertEqual(host.metrics().status, 200)


class WithoutPluginTest(HostCase):
    def assert_serves_without_metrics(self, host):
        self.assert_serves(host)
        self.assertNotEqual(host.metrics().status, 200)
        self.assertEqual(host.stop(), 0, host.log())

    def test_a_missing_plugin_is_named_and_the_host_serves(self):
        missing = str(self.new_directory() / "promplug.so")
        host = self.host({"forward": []}, plugin=missing)
        host.wait_log(missing)
        self.assert_serves_without_metrics(host)
        named = [line for line in host.log().splitlines() if missing in line]
        self.assertEqual(len(named), 1, named)

    def test_a_wrong_configuration_at_the_start_is_named_and_the_host_serves(self):
        host = self.host(BAD_CONFIG)
        host.wait_log(rf"{host.plugin_config_path}:3: .*\bulr\b")
        self.assert_serves_without_metrics(host)
        self.assertEqual(host.log().count(str(host.plugin_config_path)), 1, host.log())


if __name__ == "__main__":
    unittest.main()
