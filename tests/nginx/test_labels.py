# SPDX-License-Identifier: MIT
"""Labels from variables, and what keeps them bounded."""
import unittest

from nginx_case import METRICS, NginxCase, REQUESTS, exchange, read_samples, value

SERVER = f"server {{ listen PORT0; promplug on; location / {{ return 200; }} {METRICS} }}"


def labels_of(host, name):
    """The values of one label among the series of requests."""
    return {dict(labels)[name] for family, labels in read_samples(host.request("/metrics").text)
            if family == REQUESTS}


class LabelsTest(NginxCase):
    def get(self, host, **headers):
        host.request("/", headers={"X-" + key: text for key, text in headers.items()})

    def test_a_variable_is_a_label_of_all_that_is_counted_of_requests(self):
        host = self.nginx(SERVER, "promplug_label tenant $http_x_tenant;")
        self.get(host, tenant="red")
        self.get(host, tenant="red")
        self.get(host)
        self.counted(host, 2, tenant="red")
        self.counted(host, 1, tenant="")
        self.counted(host, 2, "nginx_http_request_duration_seconds_count", tenant="red")
        for name in ("nginx_http_received_bytes_total", "nginx_http_sent_bytes_total"):
            self.assertGreater(value(host.request("/metrics").text, name, tenant="red"), 0)

    def test_two_labels_are_not_mixed_up(self):
        host = self.nginx(SERVER, "promplug_label a $http_x_a; promplug_label b $http_x_b;")
        self.get(host, a="1", b="23")
        self.get(host, a="12", b="3")
        self.get(host, a="123")
        self.counted(host, 1, a="1", b="23")
        self.counted(host, 1, a="12", b="3")
        self.counted(host, 1, a="123", b="")

    def test_values_beyond_the_maximum_are_other_and_the_sum_stays_right(self):
        host = self.nginx(SERVER, "promplug_label who $http_x_who max=5;")
        for i in range(40):
            self.get(host, who=f"w{i}")
        self.get(host, who="w3")
        self.counted(host, 41)
        self.assertEqual(labels_of(host, "who"), {"w0", "w1", "w2", "w3", "w4", "other"})
        self.counted(host, 2, who="w3")
        self.counted(host, 35, who="other")

    def test_series_beyond_the_maximum_are_other_and_the_sum_stays_right(self):
        host = self.nginx(SERVER, "promplug_label a $http_x_a; promplug_label b $http_x_b;"
                                  "promplug_max_series 10;")
        for i in range(8):
            for j in range(8):
                self.get(host, a=f"a{i}", b=f"b{j}")
        self.get(host, a="a0", b="b0")
        self.counted(host, 65)
        self.counted(host, 2, a="a0", b="b0")
        self.counted(host, 54, a="other", b="other")
        self.counted(host, 65, "nginx_http_request_duration_seconds_count")
        self.assertEqual(len(read_samples("\n".join(
            line for line in host.request("/metrics").text.splitlines()
            if line.startswith(REQUESTS + "{")) + "\n")), 11)

    def test_what_is_no_value_is_other(self):
        host = self.nginx(SERVER, "promplug_label who $http_x_who;")
        for text in (b"\xff\xfe", b"caf\xe9", b"\xed\xa0\x80", b"\xc0\xaf", b"x" * 129):
            exchange(host.ports[0], b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
                                    b"X-Who: " + text + b"\r\n\r\n")
        self.get(host, who="x" * 128)
        self.counted(host, 1, who="x" * 128)
        self.counted(host, 5, who="other")

    def test_utf8_and_what_needs_escapes_arrive_as_they_are(self):
        host = self.nginx(SERVER, "promplug_label who $http_x_who;")
        for text in ('été "x" \\ y', "雪"):
            exchange(host.ports[0], b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nX-Who: "
                     + text.encode() + b"\r\n\r\n")
            self.counted(host, 1, who=text)

    def test_a_map_bounds_by_name(self):
        host = self.nginx(SERVER, 'map $uri $route { default "-"; ~^/a "a"; }'
                                  "promplug_label route $route;")
        host.request("/a/1")
        host.request("/a/2")
        host.request("/b")
        self.counted(host, 2, route="a")
        self.counted(host, 1, route="-")

    def test_a_flood_of_values_costs_no_memory(self):
        host = self.nginx(SERVER, "promplug_label who $http_x_who max=10;")
        lines = "".join(f"GET / HTTP/1.1\r\nHost: x\r\nX-Who: v{i}\r\n\r\n" for i in range(900))
        for _ in range(3):
            exchange(host.ports[0], lines.encode() + b"GET / HTTP/1.0\r\n\r\n")
        self.counted(host, 2703)
        self.assertEqual(len(labels_of(host, "who")), 12)  # ten, "" and other


if __name__ == "__main__":
    unittest.main()
