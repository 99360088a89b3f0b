# SPDX-License-Identifier: MIT
"""node_exporter forwarded to a Pushgateway: while it is there, when it goes, when it never was."""
import unittest

from case import INTERVAL_SECONDS, NEXT_PUSH_SECONDS, StackCase, push_config
from exposition import value
from stack.process import free_port
from stack.servers import NodeExporter, Prometheus, Pushgateway

DROPPED = ("go_", "process_", "promhttp_")
# An exporter that is absent once may be restarting; twice, it is gone.
GONE_SECONDS = INTERVAL_SECONDS + NEXT_PUSH_SECONDS


def forwarding_config(gateway, exporter_url, instance, **changes):
    config = push_config(gateway.url, instance=instance)
    config["forward"] = [{"job": "node_exporter", "url": exporter_url, **changes}]
    return config


class ForwardTest(StackCase):
    def wait_group(self, gateway, instance, seconds=10):
        return self.eventually(lambda: gateway.group("node_exporter", instance), seconds,
                               lambda: f"node_exporter, {instance} of {list(gateway.groups())}")

    def test_the_group_is_deleted_when_the_exporter_is_gone_and_kept_by_configuration(self):
        gateway, exporter = self.server(Pushgateway), self.server(NodeExporter)
        prometheus = self.server(Prometheus, [("pushgateway", gateway.address, True)])
        url = exporter.url + "/metrics"
        host = self.host(forwarding_config(gateway, url, "10.0.0.5"))
        keeper = self.host(forwarding_config(gateway, url, "10.0.0.6", when_gone="keep"))
        group = self.wait_group(gateway, "10.0.0.5")
        self.wait_group(gateway, "10.0.0.6")

        with self.subTest("the families of the exporter's own runtime are left out"):
            self.assertIn("node_memory_MemTotal_bytes", group)
            self.assertEqual([n for n in group if n.startswith(DROPPED)], [])
        with self.subTest("Prometheus has them under job and instance of the push"):
            query = 'node_memory_MemTotal_bytes{job="node_exporter",instance="10.0.0.5"}'
            total = self.eventually(lambda: prometheus.value(query), 15, query)
            self.assertGreater(total, 1e6)

        exporter.stop()
        self.eventually(lambda: gateway.group("node_exporter", "10.0.0.5") is None,
                        GONE_SECONDS, "the group of an exporter that is gone is deleted")
        self.eventually(lambda: not prometheus.query(query), 10, "gone from Prometheus too")
        self.eventually(lambda: self.skips(keeper) >= 2, GONE_SECONDS, "the keeper found it gone too")
        self.assertIsNotNone(gateway.group("node_exporter", "10.0.0.6"))
        self.assertIsNotNone(gateway.group("photo-api", "10.0.0.5"))

        exporter.start()
        self.wait_group(gateway, "10.0.0.5", NEXT_PUSH_SECONDS)
        self.assert_serves(host)

    def skips(self, host):
        """How often the host found no exporter."""
        return value(host.metrics().text, "promplug_forward_skipped_total", exporter="node_exporter") or 0

    def test_an_exporter_that_never_was_is_a_skip_said_once(self):
        gateway = self.server(Pushgateway)
        url = f"http://127.0.0.1:{free_port()}/metrics"
        host = self.host(forwarding_config(gateway, url, "alone"))
        self.eventually(lambda: gateway.group("photo-api", "alone"), 10, "the push of the host")
        first = gateway.group("photo-api", "alone")["push_time_seconds"]
        self.eventually(lambda: gateway.group("photo-api", "alone")["push_time_seconds"] != first,
                        NEXT_PUSH_SECONDS, "the second push")
        host.stop()
        told = [line for line in host.log().splitlines() if url in line or "node_exporter" in line]
        self.assertEqual(len([t for t in told if "Pushgateway groups" not in t]), 1, told)
        self.assertIsNone(gateway.group("node_exporter", "alone"))

    def test_families_are_kept_and_dropped_by_name(self):
        gateway, exporter = self.server(Pushgateway), self.server(NodeExporter)
        url = exporter.url + "/metrics"
        self.host(forwarding_config(gateway, url, "kept", keep=["node_load*", "node_memory_*"],
                                    drop=["node_load15"]))
        names = set(self.wait_group(gateway, "kept"))
        self.assertLessEqual({"node_load1", "node_load5", "node_memory_MemFree_bytes"}, names)
        self.assertNotIn("node_load15", names)
        self.assertEqual([n for n in names if n.startswith(("node_cpu", "node_disk"))], [])

    def test_a_reload_leaves_no_group_behind(self):
        gateway, exporter = self.server(Pushgateway), self.server(NodeExporter)
        url = exporter.url + "/metrics"
        leaves = self.host(forwarding_config(gateway, url, "leaves"))
        taken_out = self.host(forwarding_config(gateway, url, "out"))
        self.wait_group(gateway, "leaves")
        self.wait_group(gateway, "out")

        taken_out.reload(push_config(gateway.url, instance="out"))
        self.eventually(lambda: gateway.group("node_exporter", "out") is None, 10,
                        "the group of an exporter that was taken out is deleted")
        self.assertIsNotNone(gateway.group("photo-api", "out"))
        exporter.stop()
        leaves.reload(forwarding_config(gateway, url, "leaves", timeout_seconds=4))
        self.eventually(lambda: gateway.group("node_exporter", "leaves") is None, GONE_SECONDS,
                        "the group of an exporter that left with the reload is deleted")

    def test_stopping_deletes_the_forwarded_group_with_the_own_one(self):
        gateway, exporter = self.server(Pushgateway), self.server(NodeExporter)
        config = forwarding_config(gateway, exporter.url + "/metrics", "stopped")
        config["pushgateway"]["on_stop"] = "delete"
        host = self.host(config)
        self.wait_group(gateway, "stopped")
        self.assertEqual(host.stop(), 0)
        self.assertEqual(gateway.groups(), {})


if __name__ == "__main__":
    unittest.main()
