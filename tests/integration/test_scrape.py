# SPDX-License-Identifier: MIT
"""The endpoint in the host's own server, read by independent readers."""
import gzip
import re
import subprocess
import unittest

from case import StackCase
from exposition import read_families, read_samples, value
from stack import web
from stack.process import StackError
from stack.servers import Prometheus, Pushgateway, find_program

TEXT_FORMAT = "text/plain; version=0.0.4; charset=utf-8"


class ScrapeTest(StackCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.host_ = cls.class_host({"forward": []})
        address = cls.host_.url.removeprefix("http://")
        cls.prometheus = cls.class_server(Prometheus, [("photo-api", address, False)])

    def requests(self, text, path, status):
        return value(text, self.host_.requests_family, route=path, status=str(status)) or 0

    def test_a_real_prometheus_has_the_target_up_and_the_values_right(self):
        for _ in range(7):
            self.host_.request(self.host_.failing_path)
        expected = self.requests(self.host_.metrics().text, self.host_.failing_path, 500)
        self.assertGreaterEqual(expected, 7)
        query = (f'sum({self.host_.requests_family}{{job="photo-api",'
                 f'route="{self.host_.failing_path}",status="500"}})')
        self.eventually(lambda: self.prometheus.value(query) == expected, 15,
                        lambda: f"{query} is {expected}; targets: {self.prometheus.targets()}")
        self.assertEqual(self.prometheus.targets(), {"photo-api": ("up", "")})
        self.assertEqual(self.prometheus.value('up{job="photo-api"}'), 1)

    def test_the_requests_are_counted_one_by_one(self):
        path = self.host_.good_path
        before = self.requests(self.host_.metrics().text, path, 200)
        for _ in range(25):
            self.assertEqual(self.host_.request(path).status, 200)
        after = self.host_.metrics().text
        self.assertEqual(self.requests(after, path, 200), before + 25)
        counted = value(after, self.host_.duration_family + "_count", route=path)
        in_last_bucket = value(after, self.host_.duration_family + "_bucket", route=path, le="+Inf")
        self.assertEqual(counted, before + 25)
        self.assertEqual(in_last_bucket, counted)

    def test_the_text_is_clean_for_promtool(self):
        done = subprocess.run([find_program("promtool", "prometheus"), "check", "metrics"],
                              input=self.host_.metrics().body, capture_output=True, check=False)
        self.assertEqual((done.returncode, done.stdout + done.stderr), (0, b""))

    def test_the_python_parser_finds_whole_families_with_help_and_type(self):
        text = self.host_.metrics().text
        read_samples(text)
        for name, family in read_families(text).items():
            self.assertNotEqual(family.documentation, "", name)
            self.assertIn(family.type, ("counter", "gauge", "histogram", "summary"), name)
            self.assertTrue(family.samples, name)

    def test_a_real_pushgateway_takes_the_text_whole(self):
        gateway = self.server(Pushgateway)
        text = self.host_.metrics().text
        answer = web.request("PUT", gateway.url + "/metrics/job/j/instance/i", body=text.encode())
        self.assertEqual((answer.status, answer.text), (200, ""))
        stored = set(gateway.group("j", "i")) - {"push_time_seconds", "push_failure_time_seconds",
                                                 "last_push_successful"}
        self.assertEqual(stored, set(re.findall(r"^# TYPE (\S+) ", text, re.MULTILINE)))

    def test_the_order_of_the_series_is_the_same_each_time(self):
        self.host_.metrics()
        first, second = (self.host_.metrics().text for _ in range(2))
        self.assertEqual(list(read_samples(first)), list(read_samples(second)))

    def test_the_answer_names_its_format_and_ends_with_a_line_end(self):
        answer = self.host_.metrics()
        self.assertEqual((answer.status, answer.headers["Content-Type"]), (200, TEXT_FORMAT))
        self.assertTrue(answer.body.endswith(b"\n"))
        framed = (answer.headers["Content-Length"], answer.headers["Transfer-Encoding"])
        self.assertNotEqual(framed, (None, None))

    def test_gzip_is_sent_where_it_is_accepted_and_nowhere_else(self):
        zipped = self.host_.metrics(headers={"Accept-Encoding": "gzip"})
        self.assertEqual(zipped.headers["Content-Encoding"], "gzip")
        plain = self.host_.metrics()
        self.assertIsNone(plain.headers["Content-Encoding"])
        self.assertEqual(set(read_families(gzip.decompress(zipped.body).decode())),
                         set(read_families(plain.text)))
        refused = self.host_.metrics(headers={"Accept-Encoding": "gzip;q=0, identity"})
        self.assertIsNone(refused.headers["Content-Encoding"])

    def test_name_parameters_choose_the_families(self):
        names = [self.host_.requests_family, "process_open_fds"]
        query = "&".join(f"name[]={name}" for name in names)
        text = self.host_.request("/metrics?" + query).text
        self.assertEqual(set(re.findall(r"^# TYPE (\S+) ", text, re.MULTILINE)), set(names))
        encoded = self.host_.request("/metrics?name%5B%5D=process_open_fds").text
        self.assertEqual(set(read_families(encoded)), {"process_open_fds"})

    def test_head_gives_the_headers_alone(self):
        answer = self.host_.metrics(method="HEAD")
        self.assertEqual((answer.status, answer.body), (200, b""))
        self.assertEqual(answer.headers["Content-Type"], TEXT_FORMAT)

    def test_other_methods_on_the_path_are_answered_with_405(self):
        for method in ("POST", "PUT", "DELETE"):
            with self.subTest(method):
                answer = self.host_.metrics(method=method)
                self.assertEqual(answer.status, 405)
                self.assertEqual(answer.headers["Allow"], "GET, HEAD")

    def test_other_paths_stay_with_the_host(self):
        for path in ("/metricsx", "/metrics/x", "/nothing"):
            with self.subTest(path):
                self.assertEqual(self.host_.request(path).status, 404)

    def test_process_and_self_metrics_are_there(self):
        names = set(self.samples_names(self.host_.metrics().text))
        self.assertLessEqual({
            "process_cpu_seconds_total", "process_open_fds", "process_max_fds",
            "process_virtual_memory_bytes", "process_resident_memory_bytes",
            "process_start_time_seconds", "promplug_build_info"}, names)

    def test_process_and_self_metrics_are_left_out_by_configuration(self):
        host = self.host({"forward": [], "process_metrics": False, "self_metrics": False})
        host.request(host.good_path)
        names = self.samples_names(host.metrics().text)
        self.assertEqual([n for n in names if n.startswith(("process_", "promplug_"))], [])
        self.assertIn(host.requests_family, names)

    def test_the_path_is_configured(self):
        host = self.host({"forward": [], "scrape": {"path": "/internal/metrics"}})
        self.assertEqual(host.request("/internal/metrics").status, 200)
        self.assertEqual(host.request("/metrics").status, 404)

    def test_without_any_configuration_the_host_has_metrics_and_pushes_nothing(self):
        host = self.host(None)
        host.request(host.good_path)
        self.assertIn(host.requests_family, self.samples_names(host.metrics().text))
        host.wait_log(r"Pushgateway disabled \(.+\)")

    def samples_names(self, text):
        return [name for name, _ in read_samples(text)]


class FinderTest(unittest.TestCase):
    def test_a_server_that_is_not_installed_is_named_with_its_package(self):
        with self.assertRaisesRegex(StackError, "no-such-server .*package its-package"):
            find_program("no-such-server", "its-package")


if __name__ == "__main__":
    unittest.main()
