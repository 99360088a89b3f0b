# SPDX-License-Identifier: MIT
"""OpenMetrics and escaped names, read by python3-prometheus-client and the distribution's servers."""
import gzip
import http.client
import os
import time
import unittest
import urllib.parse

from prometheus_client.openmetrics.parser import text_string_to_metric_families

from case import DATA, INTERVAL_SECONDS, NEXT_PUSH_SECONDS, StackCase
from exposition import read_samples
from stack import web
from stack.process import Process
from stack.servers import Prometheus, Pushgateway

OPENMETRICS = "application/openmetrics-text; version=1.0.0; charset=utf-8"


def read(text):
    """By name: the family as the strict parser gives it."""
    return {family.name: family for family in text_string_to_metric_families(text)}


class OpenMetricsTest(StackCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.address = cls.start_formats_host(cls.new_directory(), cls.addClassCleanup)
        cls.url = f"http://{cls.address}/metrics"

    @staticmethod
    def start_formats_host(directory, add_cleanup, *overrides):
        host = Process("formats_host", [os.environ["PROMPLUG_FORMATS_HOST"],
                                        os.environ["PROMPLUG_PLUGIN"], *overrides], directory)
        add_cleanup(host.stop)
        return host.wait_log(r"^listening on (127\.0\.0\.1:\d+)$", 30)[1]

    def scrape(self, accept=OPENMETRICS):
        return web.get(self.url, headers={"Accept": accept})

    def test_the_strict_parser_finds_every_family_with_its_type(self):
        answer = self.scrape()
        self.assertEqual(answer.headers["Content-Type"], OPENMETRICS)
        self.assertTrue(answer.text.endswith("\n# EOF\n"))
        families = read(answer.text)
        types = {name: families[name].type for name in (
            "clash", "clash_total", "no_suffix", "traced", "degrees", "my_gauge__",
            "promplug_build", "process_cpu_seconds")}
        self.assertEqual(types, {
            "clash": "gauge", "clash_total": "unknown", "no_suffix": "counter",
            "traced": "counter", "degrees": "histogram", "my_gauge__": "gauge",
            "promplug_build": "info", "process_cpu_seconds": "counter"})
        self.assertEqual(families["my_gauge__"].documentation, 'Quoted "help" \\.')
        degrees = [s.name for s in families["degrees"].samples]
        self.assertEqual(degrees, ["degrees_bucket"] * 3 + ["degrees_created"])

    def test_the_requests_that_a_real_prometheus_sent_are_answered_as_it_likes_best(self):
        for name, content_type in (
                ("default", OPENMETRICS), ("bearer", OPENMETRICS),
                ("native-histograms", "application/vnd.google.protobuf; "
                 "proto=io.prometheus.client.MetricFamily; encoding=delimited")):
            with self.subTest(name):
                request = (DATA / f"prometheus_request_{name}.txt").read_bytes()
                path = request.split(b" ", 2)[1]
                connection = http.client.HTTPConnection(self.address, timeout=30)
                self.addCleanup(connection.close)
                connection.connect()
                connection.sock.sendall(request.replace(path, b"/metrics", 1))
                answer = http.client.HTTPResponse(connection.sock, method="GET")
                answer.begin()
                body = gzip.decompress(answer.read())
                self.assertEqual(answer.status, 200)
                self.assertEqual(answer.headers["Content-Type"], content_type)
                self.assertEqual(answer.headers["Content-Encoding"], "gzip")
                self.assertEqual(answer.headers["Vary"], "Accept-Encoding")
                if content_type == OPENMETRICS:
                    self.assertIn("traced", read(body.decode()))
                else:
                    self.assertIn(b"traced_total", body)

    def test_a_series_was_created_when_the_host_began(self):
        created = [s for s in read(self.scrape().text)["traced"].samples
                   if s.name == "traced_created"]
        self.assertEqual(len(created), 1)
        self.assertTrue(0 <= time.time() - created[0].value < 600, created)

    def test_created_series_may_be_left_out(self):
        address = self.start_formats_host(self.new_directory(), self.addCleanup,
                                          "scrape.created_series=false")
        answer = web.get(f"http://{address}/metrics", headers={"Accept": OPENMETRICS})
        # The other host has been scraped before, and says so.
        mine, others = ({name for name in read(text) if not name.startswith("promplug_")}
                        for text in (answer.text, self.scrape().text))
        self.assertEqual(mine, others)
        self.assertNotIn("_created", answer.text)
        prometheus = self.server(Prometheus, [("formats", address, False)], [])
        self.eventually(lambda: prometheus.value("no_suffix_total") == 5, 20,
                        lambda: f"a scrape; targets: {prometheus.targets()}")
        self.assertEqual(prometheus.value('count({__name__=~".+_created"}) or vector(0)'), 0)

    def test_an_empty_choice_is_an_empty_exposition(self):
        answer = web.get(self.url + "?name[]=nothing", headers={"Accept": OPENMETRICS})
        self.assertEqual(answer.text, "# EOF\n")

    def test_the_names_that_openmetrics_gives_may_be_asked_for(self):
        answer = web.get(self.url + "?name[]=no_suffix_total", headers={"Accept": OPENMETRICS})
        self.assertEqual(set(read(answer.text)), {"no_suffix"})
        odd = urllib.parse.quote("my.gauge/ü")
        answer = web.get(self.url + "?name[]=" + odd, headers={"Accept": OPENMETRICS})
        self.assertEqual(set(read(answer.text)), {"my_gauge__"})

    def test_each_escaping_is_read_as_text(self):
        shown = {"underscores": ("my_gauge__", "my_label"),
                 "dots": ("my_dot_gauge____", "my_dot_label"),
                 "values": ("U__my_2e_gauge_2f__fc_", "U__my_2e_label")}
        for escaping, (name, label) in shown.items():
            with self.subTest(escaping):
                answer = self.scrape(f"text/plain;version=0.0.4;escaping={escaping}")
                self.assertTrue(
                    answer.headers["Content-Type"].endswith(f"; escaping={escaping}"))
                self.assertEqual(read_samples(answer.text)[name, ((label, 'x"y'),)], 7)

    def test_a_real_prometheus_takes_everything_with_its_exemplars(self):
        prometheus = self.server(Prometheus, [("formats", self.address, False)],
                                 ["exemplar-storage"])
        self.eventually(lambda: prometheus.value("no_suffix_total") == 5, 20,
                        lambda: f"a scrape; targets: {prometheus.targets()}")
        self.assertEqual(prometheus.targets(), {"formats": ("up", "")})
        for query, value in {"clash": 4, "clash_total": 3, "traced_total": 6,
                             'traced_seconds_bucket{le="2.0"}': 1,
                             'degrees_bucket{le="-1.0"}': 1,
                             'my_gauge__{my_label="x\\"y"}': 7}.items():
            self.assertEqual(prometheus.value(query), value, query)
        for query, trace in {"traced_total": "abc", "traced_seconds_bucket": "def"}.items():
            answer = web.get(f"{prometheus.url}/api/v1/query_exemplars?query={query}"
                             f"&start={time.time() - 600}&end={time.time() + 600}").json()
            found = [e["labels"]["trace_id"] for series in answer["data"]
                     for e in series["exemplars"]]
            self.assertEqual(found, [trace], query)

    def test_a_real_pushgateway_gets_escaped_names(self):
        gateway = self.server(Pushgateway)
        self.start_formats_host(self.new_directory(), self.addCleanup,
                                f"pushgateway.url={gateway.url}", "pushgateway.job=formats",
                                "pushgateway.instance=i",
                                f"pushgateway.interval_seconds={INTERVAL_SECONDS}")
        self.eventually(lambda: "my_gauge__" in (gateway.group("formats", "i") or ()),
                        NEXT_PUSH_SECONDS, "a push of the family")


if __name__ == "__main__":
    unittest.main()
