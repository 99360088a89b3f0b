# SPDX-License-Identifier: MIT
"""What is counted of requests, by a real nginx."""
import unittest

from nginx_case import METRICS, NginxCase, REQUESTS, exchange, http2, read_samples, value

SERVERS = """
server {
  listen PORT0;
  server_name site.example other.example;
  promplug on;
  location / { return 200 "hello\\n"; }
  location /missing { return 404; }
  location /teapot { promplug on zone=tea; promplug_status exact; return 418; }
  location /quiet { promplug off; return 200; }
  location /if { if ($arg_health) { promplug off; } root /nowhere; }
  location /redirected { error_page 404 /moved; return 404; }
  location /moved { promplug on zone=moved; return 200 "moved"; }
  location /body { proxy_pass http://PORT2; }
  METRICS
}
server {
  listen PORT1 http2;
  promplug on zone=h2;
  location / { return 200 "hello\\n"; }
  METRICS
}
server { listen PORT2; location / { return 200; } }
""".replace("METRICS", METRICS)


class RequestsTest(NginxCase):
    def setUp(self):
        super().setUp()
        self.host = self.nginx(SERVERS, n_ports=3)

    def test_a_request_is_counted_by_server_zone_method_and_class(self):
        for _ in range(3):
            self.host.request("/")
        self.host.request("/missing")
        self.host.request("/", method="POST", body=b"x")
        site = {"server": "site.example", "zone": "default"}
        self.counted(self.host, 3, method="GET", status="2xx", **site)
        self.counted(self.host, 1, method="GET", status="4xx", **site)
        self.counted(self.host, 1, method="POST", status="2xx", **site)
        self.counted(self.host, 5)

    def test_a_status_is_exact_where_it_is_asked_for(self):
        self.host.request("/teapot")
        self.counted(self.host, 1, server="site.example", zone="tea", method="GET", status="418")

    def test_methods_that_are_not_usual_are_one(self):
        for method in ("HEAD", "PUT", "DELETE", "PATCH", "OPTIONS"):
            self.host.request("/", method=method)
            self.counted(self.host, 1, method=method)
        for method in ("PROPFIND", "LOCK", "FROBNICATE"):
            self.host.request("/", method=method)
        self.counted(self.host, 3, method="other")

    def test_what_is_off_is_not_counted_and_a_scrape_is_not(self):
        self.host.request("/quiet")
        self.host.request("/if?health=1")
        self.host.request("/if")
        self.counted(self.host, 1)
        self.assertNotIn("quiet", self.host.request("/metrics").text)

    def test_a_request_counts_where_it_ends(self):
        self.host.request("/redirected")
        self.counted(self.host, 1, zone="moved")
        self.counted(self.host, 1)

    def test_a_server_without_a_name_is_an_underscore(self):
        exchange(self.host.ports[0], b"GET / HTTP/1.0\r\n\r\n")
        self.counted(self.host, 1, server="site.example")
        self.assertEqual(http2(self.host.ports[1], "/"), b"hello\n")
        self.counted(self.host, 1, server="_", zone="h2")

    def test_what_is_no_request_is_counted_with_its_answer(self):
        self.assertIn(b" 400 ", exchange(self.host.ports[0], b"\x16\x03\x01 nonsense\r\n\r\n"))
        self.counted(self.host, 1, method="other", status="4xx")

    def test_bytes_are_those_on_the_wire(self):
        request = b"POST /body HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 5\r\n\r\nhello"
        answer = exchange(self.host.ports[0], request)
        self.counted(self.host, len(request), "nginx_http_received_bytes_total")
        self.counted(self.host, len(answer), "nginx_http_sent_bytes_total")

    def test_requests_of_a_kept_connection_are_counted_apart(self):
        one = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
        last = b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
        answer = exchange(self.host.ports[0], one * 9 + last)
        self.assertEqual(answer.count(b"hello\n"), 10)
        self.counted(self.host, 10)
        self.counted(self.host, len(answer), "nginx_http_sent_bytes_total")

    def test_the_streams_of_http2_are_counted_apart(self):
        paths = [f"/{i}" for i in range(8)]
        self.assertEqual(http2(self.host.ports[1], *paths), b"hello\n" * 8)
        self.counted(self.host, 8, zone="h2", method="GET", status="2xx")

    def test_durations_are_counted_once_for_each_request(self):
        for _ in range(4):
            self.host.request("/")
        self.counted(self.host, 4, "nginx_http_request_duration_seconds_count", method="GET")
        self.counted(self.host, 4, "nginx_http_request_duration_seconds_bucket", le="+Inf")

    def test_connections_by_state_and_in_all(self):
        text = self.host.request("/metrics").text
        self.assertEqual(value(text, "nginx_connections", state="active"), 1)
        self.assertEqual(value(text, "nginx_connections", state="writing"), 1)
        accepted = value(text, "nginx_connections_accepted_total")
        self.host.request("/")
        text = self.host.request("/metrics").text
        self.assertEqual(value(text, "nginx_connections_accepted_total"), accepted + 2)
        self.assertEqual(value(text, "nginx_connections_handled_total"), accepted + 2)

    def test_the_version_is_told(self):
        info = [labels for name, labels in read_samples(self.host.request("/metrics").text)
                if name == "nginx_info"]
        self.assertRegex(dict(info[0])["version"], r"^\d+\.\d+\.\d+$")


class BucketsTest(NginxCase):
    def test_bounds_are_those_of_the_configuration(self):
        host = self.nginx(f"server {{ listen PORT0; promplug on; {METRICS} }}",
                          "promplug_request_buckets 0.001 0.5 2;")
        host.request("/")
        self.counted(host, 1)
        found = {dict(labels)["le"] for name, labels in read_samples(host.request("/metrics").text)
                 if name == "nginx_http_request_duration_seconds_bucket"}
        self.assertEqual(found, {"0.001", "0.5", "2", "+Inf"})


class SubrequestTest(NginxCase):
    def test_subrequests_are_no_requests_also_where_they_are_logged(self):
        host = self.nginx(f"""
            server {{ listen PORT0; promplug on; log_subrequest on;
              location / {{ auth_request /auth; root /nowhere; }}
              location /auth {{ return 204; }}
              location /inner {{ auth_request /metrics; root /nowhere; }}
              {METRICS} }}""")
        host.request("/x")
        self.counted(host, 1, status="4xx")
        self.assertEqual(host.request("/inner").status, 403)
        host.wait_log("promplug_metrics answers no subrequest")
        self.counted(host, 2, REQUESTS)


if __name__ == "__main__":
    unittest.main()
