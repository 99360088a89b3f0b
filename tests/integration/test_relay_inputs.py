# SPDX-License-Identifier: MIT
"""Each captured node_exporter body, and bodies that no Pushgateway takes, forwarded to a real one."""
import re
import unittest

from case import DATA, NEXT_PUSH_SECONDS, StackCase, push_config
from exposition import read_samples
from fakes import FakeExporter
from stack import web
from stack.process import wait_until
from stack.servers import Pushgateway

INSTANCE = "10.0.0.5"
DROPPED = ("go_", "process_", "promhttp_")
OF_THE_GATEWAY = {"push_time_seconds", "push_failure_time_seconds", "last_push_successful"}

# name: (body, what of it has to arrive: samples as text)
# Each with names of its own: the gateway refuses one name with two types, whatever the group.
CLEANED = {
    "timestamps": ('# TYPE t gauge\nt 1 1700000000000\nt{x="1"} 2 -5\n', 't 1\nt{x="1"} 2\n'),
    "split_families": ('# TYPE s gauge\ns 1\n# TYPE s2 gauge\ns2 2\n# TYPE s gauge\ns{x="1"} 3\n',
                       's2 2\ns 1\ns{x="1"} 3\n'),
    "duplicates": ('d{x="1",y="2"} 1\nd{y="2",x="1"} 1\nd{x="2"} 4\n',
                   'd{x="1",y="2"} 1\nd{x="2"} 4\n'),
    "own_labels": ('o{job="j",instance="i"} 1\no{job="k",instance="i"} 2\n',
                   'o{exported_job="j",exported_instance="i"} 1\n'
                   'o{exported_job="k",exported_instance="i"} 2\n'),
    "openmetrics": ("# TYPE om counter\n# UNIT om_seconds seconds\nom_total 5\n# EOF\n",
                    "om_total 5\n"),
    "values": ("v1 NaN\nv2 +Inf\nv3 -Inf\nv4 1e-300\nv5 0.1\n",
               "v1 NaN\nv2 +Inf\nv3 -Inf\nv4 1e-300\nv5 0.1\n"),
    "escapes": ('e{x="\\\\ \\" \\n é"} 1\n', 'e{x="\\\\ \\" \\n é"} 1\n'),
}
# name: arguments of FakeExporter. None of them is a whole, valid exposition.
REFUSED = {
    "status_503": (b"Limit of concurrent requests reached (1), try again later.\n", 503),
    "status_500_with_metrics": (b"a 1\n", 500),
    "status_204": (b"", 204),
    "a_page": ((DATA / "node_exporter_root.html").read_bytes(), 200, "text/html; charset=utf-8"),
    "a_page_as_text": ((DATA / "node_exporter_root.html").read_bytes(),),
    "an_answer_in_the_body": ((DATA / "node_exporter_503.txt").read_bytes(),),
    "cut_transfer": (b"a 1\nb 2\n", 200, "text/plain; version=0.0.4", 100),
    "cut_line": (b'a 1\nb{x="1',),
    "bad_value": (b"a 1\nb one\n",),
    "bad_utf8": (b'a{x="\xff"} 1\n',),
    "empty_body": (b"",),
}


def expected_samples(text):
    """What has to arrive of a captured body, by the rules of the README, not by our code."""
    kept = {}
    for (name, labels), value in read_samples(text).items():
        if not name.startswith(DROPPED):
            renamed = {("exported_" + k if k in ("job", "instance") else k, v) for k, v in labels}
            kept[(name, tuple(sorted(renamed)))] = value
    return kept


def comparable(samples):
    """NaN equals NaN."""
    return {key: repr(value) for key, value in samples.items()}


class RelayInputsTest(StackCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.gateway = cls.class_server(Pushgateway)
        cls.captured = {p.stem: p.read_text(encoding="utf-8") for p in DATA.glob("node_exporter_*.txt")
                        if p.stem not in ("node_exporter_503", "node_exporter_textfile_clash")}
        exporters = {**{name: FakeExporter(text.encode()) for name, text in cls.captured.items()},
                     **{name: FakeExporter(body.encode()) for name, (body, _) in CLEANED.items()},
                     **{name: FakeExporter(*arguments) for name, arguments in REFUSED.items()},
                     "too_large": FakeExporter(b"a 1\n" * 1000)}
        config = push_config(cls.gateway.url, instance=INSTANCE)
        for name, exporter in exporters.items():
            cls.addClassCleanup(exporter.stop)
            config["forward"].append({"job": name, "url": exporter.url + "/metrics"})
        config["forward"][-1]["max_bytes"] = 3000
        config["forward"].append({"job": "whole", "url": exporters["node_exporter_default"].url + "/m",
                                  "drop": []})
        cls.host_ = cls.class_host(config)
        for exporter in exporters.values():
            exporter.wait_requests(1, 20)
        # Exporters are read one after another, and "whole" is the last of the list.
        cls.wait_job("whole")
        cls.exposed = read_samples(cls.gateway.metrics())

    @classmethod
    def wait_job(cls, job):
        wait_until(lambda: cls.gateway.group(job, INSTANCE), NEXT_PUSH_SECONDS,
                   lambda: f"{job} in {list(cls.gateway.groups())}; log:\n{cls.host_.log()}")

    def samples_of(self, job):
        """What the Pushgateway exposes of the group, without what it adds."""
        group = {("job", job), ("instance", INSTANCE)}
        return {(name, tuple(sorted(set(labels) - group))): value
                for (name, labels), value in self.exposed.items()
                if group <= set(labels) and name not in OF_THE_GATEWAY}

    def assert_arrived(self, job, expected):
        self.assertEqual(comparable(self.samples_of(job)), comparable(expected))

    def test_every_captured_body_arrives_series_by_series(self):
        self.assertGreaterEqual(len(self.captured), 8)
        for name, text in self.captured.items():
            with self.subTest(name):
                self.assertGreater(len(expected_samples(text)), 5)
                self.assert_arrived(name, expected_samples(text))

    def test_every_family_keeps_its_type(self):
        for name, text in self.captured.items():
            with self.subTest(name):
                types = dict(re.findall(r"^# TYPE (\S+) (\S+)", text, re.MULTILINE))
                group = self.gateway.group(name, INSTANCE)
                for family in set(group) - OF_THE_GATEWAY - {"labels"}:
                    self.assertEqual(group[family]["type"].lower(), types[family], family)

    def test_what_a_pushgateway_would_refuse_is_cleaned(self):
        for name, (_, wanted) in CLEANED.items():
            with self.subTest(name):
                self.assert_arrived(name, read_samples(wanted))

    def test_what_is_no_whole_valid_exposition_is_not_pushed_and_logged_once(self):
        for name in [*REFUSED, "too_large"]:
            with self.subTest(name):
                self.assertIsNone(self.gateway.group(name, INSTANCE))
                lines = [line for line in self.host_.log().splitlines()
                         if re.search(rf"forwarding of {name}\b", line)]
                self.assertEqual(len(lines), 1, lines)

    def test_the_own_families_of_the_exporter_are_kept_by_configuration(self):
        names = {name for name, _ in self.samples_of("whole")}
        self.assertLessEqual({"go_goroutines", "process_open_fds", "node_load1"}, names)

    def test_the_gateway_refused_nothing(self):
        failed = [key for key, at in self.exposed.items()
                  if key[0] == "push_failure_time_seconds" and at != 0]
        self.assertEqual(failed, [])


class TypeClashTest(StackCase):
    def test_a_family_that_clashes_in_the_gateway_costs_that_family_alone(self):
        gateway = self.server(Pushgateway)
        # Another instance pushed the right type first: the gateway now refuses any other.
        web.request("PUT", gateway.url + "/metrics/job/node_exporter/instance/other",
                    body=b"# TYPE node_load1 gauge\nnode_load1 1\n")
        clash = (DATA / "node_exporter_textfile_clash.txt").read_text(encoding="utf-8")
        exporter = self.fake(FakeExporter(clash.encode()))
        config = push_config(gateway.url, instance=INSTANCE)
        config["forward"] = [{"job": "node_exporter", "url": exporter.url + "/metrics"}]
        host = self.host(config)
        group = self.eventually(lambda: gateway.group("node_exporter", INSTANCE), NEXT_PUSH_SECONDS,
                                lambda: f"the rest of the push; log:\n{host.log()}")
        expected = {name for name in re.findall(r"^# TYPE (\S+)", clash, re.MULTILINE)
                    if not name.startswith(DROPPED)}
        self.assertEqual(set(group) - OF_THE_GATEWAY - {"labels"}, expected - {"node_load1"})
        host.wait_log("node_load1")
        self.assertIn('promplug_', host.metrics().text)


if __name__ == "__main__":
    unittest.main()
