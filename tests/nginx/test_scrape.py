# SPDX-License-Identifier: MIT
"""Scrapes by the real plugin: formats, connections that are kept or slow, other servers that read."""
import gzip
import pathlib
import re
import socket
import subprocess
import unittest

from nginx_case import METRICS, NginxCase, REQUESTS, exchange, http2, read_samples, value
from stack.servers import Prometheus, Pushgateway, find_program

SERVER = f"""
server {{ listen PORT0; promplug on; location / {{ return 200 "hello\\n"; }} {METRICS}
  location = /limited {{ limit_rate 8m; limit_rate_after 100k; promplug_metrics; }}
  location = /whole {{ chunked_transfer_encoding off; promplug_metrics; }} }}
server {{ listen PORT1 http2; promplug on; {METRICS} }}
"""
TEXT_FORMAT = "text/plain; version=0.0.4; charset=utf-8"


def get(target, version="1.1", *headers):
    lines = [f"GET {target} HTTP/{version}", "Host: x", *headers]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def split(answer):
    head, _, body = answer.partition(b"\r\n\r\n")
    return head.decode("ascii"), body


def requests_in(text):
    """The sum of the requests; of a text with this many lines other readers take their time."""
    return sum(float(line.rpartition(" ")[2]) for line in text.splitlines()
               if line.startswith(REQUESTS + "{"))


def resident_bytes(pid):
    pages = pathlib.Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1]
    return int(pages) * 4096


class ScrapeTest(NginxCase):
    def setUp(self):
        super().setUp()
        self.host = self.nginx(SERVER, "gzip on; gzip_types *; charset koi8-r;", n_ports=2)

    def test_the_answer_names_its_format_and_is_clean_for_promtool(self):
        self.host.request("/")
        self.counted(self.host, 1)
        answer = self.host.request("/metrics")
        self.assertEqual((answer.status, answer.headers["Content-Type"]), (200, TEXT_FORMAT))
        done = subprocess.run([find_program("promtool", "prometheus"), "check", "metrics"],
                              input=answer.body, capture_output=True, check=False)
        self.assertEqual((done.returncode, done.stdout + done.stderr), (0, b""))

    def test_gzip_is_made_once_and_only_where_it_is_accepted(self):
        zipped = self.host.request("/metrics", headers={"Accept-Encoding": "gzip"})
        self.assertEqual(zipped.headers.get_all("Content-Encoding"), ["gzip"])
        self.assertIn("nginx_connections", gzip.decompress(zipped.body).decode())
        plain = self.host.request("/metrics")
        self.assertIsNone(plain.headers["Content-Encoding"])

    def test_openmetrics_is_given_to_who_asks_for_it(self):
        answer = self.host.request("/metrics", headers={
            "Accept": "application/openmetrics-text;version=1.0.0"})
        self.assertTrue(answer.headers["Content-Type"].startswith("application/openmetrics-text"))
        self.assertTrue(answer.text.endswith("# EOF\n"))

    def test_head_and_other_methods(self):
        head = self.host.request("/metrics", method="HEAD")
        self.assertEqual((head.status, head.body, head.headers["Content-Type"]),
                         (200, b"", TEXT_FORMAT))
        for method in ("POST", "PUT", "DELETE"):
            answer = self.host.request("/metrics", method=method, body=b"x" * 100000)
            self.assertEqual((answer.status, answer.headers["Allow"]), (405, "GET, HEAD"))

    def test_name_parameters_choose_the_families(self):
        text = self.host.request("/metrics?name[]=nginx_connections").text
        self.assertEqual(re.findall(r"^# TYPE (\S+) ", text, re.MULTILINE), ["nginx_connections"])

    def test_a_connection_is_kept(self):
        both = get("/metrics") + get("/metrics", "1.1", "Connection: close")
        answer = exchange(self.host.ports[0], both)
        self.assertEqual(answer.count(b"HTTP/1.1 200 OK"), 2)
        self.assertEqual(answer.count(b"\r\n0\r\n\r\n"), 2)

    def test_without_chunks_the_length_is_known(self):
        for request in (get("/metrics", "1.0"), get("/whole", "1.1", "Connection: close")):
            head, body = split(exchange(self.host.ports[0], request))
            self.assertIn(f"Content-Length: {len(body)}", head)
            self.assertNotIn("Transfer-Encoding", head)

    def test_a_scrape_is_counted_where_it_is_asked_for_also_behind_a_subrequest(self):
        host = self.nginx("""
            server { listen PORT0; promplug on;
              location = /metrics { promplug_metrics; }
              location = /counted { promplug on zone=own; promplug_metrics; auth_request /check; }
              location = /check { proxy_pass http://PORT1/; } }
            server { listen PORT1; location / { return 204; } }""", n_ports=2)
        for _ in range(3):
            self.assertEqual(host.request("/counted").status, 200)
        self.counted(host, 3, zone="own", status="2xx")
        self.counted(host, 3, "nginx_http_upstream_duration_seconds_count")

    def test_http2_has_the_same_answer(self):
        text = http2(self.host.ports[1], "/metrics").decode()
        self.assertIn(("nginx_connections", (("state", "writing"),)), read_samples(text))
        four = http2(self.host.ports[1], *[f"/metrics?i={i}" for i in range(4)]).decode()
        self.assertEqual(four.count("# TYPE nginx_connections gauge"), 4)

    def test_a_real_prometheus_has_the_target_up_and_the_values_right(self):
        prometheus = self.server(Prometheus, [("nginx", f"127.0.0.1:{self.host.ports[0]}", False)])
        for _ in range(7):
            self.host.request("/")
        query = f'sum({REQUESTS}{{job="nginx",status="2xx",method="GET"}})'
        self.eventually(lambda: prometheus.value(query) == 7, 15,
                        lambda: f"{query} is 7; targets: {prometheus.targets()}")
        self.assertEqual(prometheus.targets(), {"nginx": ("up", "")})

    def test_what_is_pushed_is_what_is_scraped(self):
        gateway = self.server(Pushgateway)
        host = self.nginx(SERVER, f"promplug_set pushgateway.url {gateway.url};"
                          "promplug_set pushgateway.job nginx; promplug_set forward [];"
                          "promplug_set pushgateway.instance one;", n_ports=2)
        host.request("/")
        self.counted(host, 1)
        host.stop()  # a last push
        group = gateway.group("nginx", "one")
        self.assertEqual([m["value"] for m in group[REQUESTS]["metrics"]], ["1"])


class SlowReaderTest(NginxCase):
    def setUp(self):
        super().setUp()
        self.host = self.nginx(SERVER, "promplug_label who $http_x_who max=10000;"
                                       "keepalive_requests 100000;", n_ports=2)
        self.make_series()
        self.pid = self.host.worker_pids()[0]

    def make_series(self):
        lines = "".join(f"GET / HTTP/1.1\r\nHost: x\r\nX-Who: v{i}\r\n\r\n" for i in range(9999))
        exchange(self.host.ports[0], lines.encode() + b"GET / HTTP/1.0\r\n\r\n", 60)

    def test_it_holds_little_memory_and_nobody_else_and_gets_everything(self):
        whole = len(self.host.request("/metrics", timeout=30).body)
        self.assertGreater(whole, 10_000_000)
        before = resident_bytes(self.pid)
        connections = [self.chunked_scrape() for _ in range(8)]
        for _ in range(20):
            self.assertEqual(self.host.request("/").text, "hello\n")
        # What each holds: two pieces of 32 KiB, the plugin's chunk and compressor, and the request.
        self.assertLess(resident_bytes(self.pid) - before, 8 * 1_000_000)
        for connection in connections[1:]:
            connection.close()
        received = bytearray()
        while piece := connections[0].recv(1 << 20):
            received += piece
        self.assertTrue(bytes(received[-5:]) == b"0\r\n\r\n")
        self.assertGreater(len(received), whole)
        self.assertEqual(self.host.request("/metrics", timeout=30).status, 200)

    def chunked_scrape(self):
        connection = socket.socket()
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.settimeout(30)
        connection.connect(("127.0.0.1", self.host.ports[0]))
        self.addCleanup(connection.close)
        connection.sendall(get("/metrics", "1.1", "Connection: close"))
        self.assertTrue(connection.recv(1000).startswith(b"HTTP/1.1 200 OK"))
        return connection

    def test_the_sum_of_ten_thousand_series_is_right_by_each_protocol(self):
        for text in (self.host.request("/metrics", timeout=30).text,
                     http2(self.host.ports[1], "/metrics").decode(),
                     split(exchange(self.host.ports[0], get("/metrics", "1.0"), 30))[1].decode()):
            self.assertEqual(requests_in(text), 10000)

    def test_a_limited_rate_ends_with_the_whole_body(self):
        text = self.host.request("/limited", headers={"Accept-Encoding": "gzip"}, timeout=30)
        self.assertEqual(requests_in(gzip.decompress(text.body).decode()), 10000)
        self.assertEqual(requests_in(self.host.request("/limited", timeout=30).text), 10000)

    def test_scrapes_of_ten_thousand_series_leave_no_memory_behind(self):
        for _ in range(3):
            self.host.request("/metrics", timeout=30)
        before = resident_bytes(self.pid)
        for _ in range(12):
            self.host.request("/metrics", timeout=30)
        self.assertLess(resident_bytes(self.pid) - before, 1_000_000)

    def test_one_that_takes_nothing_is_timed_out(self):
        host = self.host
        host.reload(lambda ports, before=host.make_http: "send_timeout 300ms;" + before(ports))
        self.make_series()
        connection = self.chunked_scrape()
        self.eventually(lambda: value(host.request("/metrics?name[]=nginx_connections",
                                                   timeout=30).text,
                                      "nginx_connections", state="writing") == 1, 10,
                        "the slow one is gone")
        rest = b""
        while True:
            try:
                piece = connection.recv(1 << 20)
            except ConnectionResetError:
                break
            if not piece:
                break
            rest = (rest + piece)[-5:]
        self.assertNotEqual(rest, b"0\r\n\r\n")


if __name__ == "__main__":
    unittest.main()
