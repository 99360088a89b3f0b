# SPDX-License-Identifier: MIT
"""The protobuf format and native histograms, read by the distribution's servers."""
import math
import os
import random
import re
import unittest
import urllib.parse

from case import StackCase
from exposition import read_samples
from stack import web
from stack.process import Process
from stack.servers import Prometheus, Pushgateway

PROTOBUF = ("application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; "
            "encoding=delimited")


class ProtobufTest(StackCase):
    def test_a_real_pushgateway_reads_every_family(self):
        host = self.host({"forward": []})
        host.request(host.good_path)
        host.metrics()  # the self metrics know of a scrape from now on
        answer = host.metrics(headers={"Accept": PROTOBUF})
        self.assertEqual((answer.status, answer.headers["Content-Type"]), (200, PROTOBUF))
        gateway = self.server(Pushgateway)
        pushed = web.request("PUT", gateway.url + "/metrics/job/j/instance/i", body=answer.body,
                             headers={"Content-Type": PROTOBUF})
        self.assertEqual((pushed.status, pushed.text), (200, ""))
        stored = set(gateway.group("j", "i")) - {"push_time_seconds", "push_failure_time_seconds",
                                                 "last_push_successful"}
        text = host.metrics().text
        self.assertEqual(stored, set(re.findall(r"^# TYPE (\S+) ", text, re.MULTILINE)))
        # The request for the text is counted in it, too: another route.
        counted = {(name, labels): v for (name, labels), v in read_samples(text).items()
                   if name == host.requests_family and host.good_path in dict(labels).values()}
        shown = {(name, tuple(kv for kv in labels if kv[0] not in ("job", "instance"))): v
                 for (name, labels), v in read_samples(gateway.metrics()).items()}
        self.assertTrue(counted)
        for (name, labels), value in counted.items():
            self.assertEqual(shown[name, tuple(labels)], value)


class NativeHistogramTest(StackCase):
    """Numbers whose quantiles are known; Prometheus answers from native buckets."""
    OBSERVED = 20000

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        generator = random.Random(42)
        cls.values = sorted(generator.lognormvariate(-3, 1.5) for _ in range(cls.OBSERVED))
        numbers = cls.new_directory() / "numbers"
        numbers.write_text("\n".join(map(repr, cls.values)), encoding="ascii")
        host = Process("native_host", [os.environ["PROMPLUG_NATIVE_HOST"],
                                       os.environ["PROMPLUG_PLUGIN"], numbers], cls.new_directory())
        cls.addClassCleanup(host.stop)
        cls.address = host.wait_log(r"^listening on (127\.0\.0\.1:\d+)$", 30)[1]
        cls.prometheus = cls.class_server(Prometheus, [("native", cls.address, False)],
                                          ["native-histograms"])

    def setUp(self):
        self.eventually(lambda: self.prometheus.value("histogram_count(few_seconds)") is not None,
                        20, lambda: f"a scrape; targets: {self.prometheus.targets()}")

    def buckets(self, name):
        """(lower, upper, count) of each bucket that Prometheus has."""
        target = self.prometheus.url + "/api/v1/query?query=" + urllib.parse.quote(name)
        result = web.get(target).json()["data"]["result"]
        return [tuple(map(float, bucket[1:])) for bucket in result[0]["histogram"][1]["buckets"]]

    def true_quantile(self, q):
        return self.values[max(0, math.ceil(q * len(self.values)) - 1)]

    def test_count_and_sum_are_those_of_the_observations(self):
        for name in ("fine_seconds", "both_seconds", "few_seconds"):
            self.assertEqual(self.prometheus.value(f"histogram_count({name})"), self.OBSERVED)
            self.assertAlmostEqual(self.prometheus.value(f"histogram_sum({name})"),
                                   sum(self.values), places=6)

    def test_quantiles_are_right_within_a_bucket(self):
        # Schema 3, the coarsest whose growth is not above 1.1.
        growth = 2 ** (1 / 8)
        for name in ("fine_seconds", "both_seconds"):
            for q in (0.01, 0.1, 0.5, 0.9, 0.99, 0.999):
                answer = self.prometheus.value(f"histogram_quantile({q}, {name})")
                self.assertLessEqual(abs(math.log(answer / self.true_quantile(q))),
                                     math.log(growth) * 1.0001, (name, q, answer))

    def test_each_bucket_has_the_observations_between_its_bounds(self):
        buckets = self.buckets("fine_seconds")
        self.assertGreater(len(buckets), 60)
        for lower, upper, count in buckets:
            # Prometheus shows bounds rounded; no observation is that near to one.
            inside = sum(lower < v <= upper for v in self.values)
            self.assertEqual(inside, count, (lower, upper))

    def test_a_limit_of_buckets_makes_them_wider(self):
        few, fine = self.buckets("few_seconds"), self.buckets("fine_seconds")
        self.assertLessEqual(len(few), 12)
        self.assertGreaterEqual(len(few), 4)
        self.assertEqual(sum(b[2] for b in few), self.OBSERVED)
        growth = few[1][1] / few[1][0]
        self.assertGreaterEqual(growth, (fine[1][1] / fine[1][0]) ** 2 * 0.999)
        for q in (0.1, 0.5, 0.9):
            answer = self.prometheus.value(f"histogram_quantile({q}, few_seconds)")
            self.assertLessEqual(abs(math.log(answer / self.true_quantile(q))),
                                 math.log(growth) * 1.0001)

    def test_in_text_there_are_the_classic_buckets_that_were_asked_for(self):
        samples = read_samples(web.get(f"http://{self.address}/metrics").text)
        bounds = {name: [dict(labels)["le"] for (n, labels) in samples if n == name + "_bucket"]
                  for name in ("fine_seconds", "both_seconds")}
        self.assertEqual(bounds, {"fine_seconds": ["+Inf"],
                                  "both_seconds": ["0.01", "0.1", "1", "+Inf"]})
        self.assertEqual(samples["both_seconds_bucket", (("le", "0.1"),)],
                         sum(v <= 0.1 for v in self.values))


if __name__ == "__main__":
    unittest.main()
