# SPDX-License-Identifier: MIT
"""What is counted of upstreams and caches."""
import contextlib
import socket
import threading
import unittest

from nginx_case import METRICS, NginxCase, value
from stack.process import free_port

DURATIONS = "nginx_http_upstream_duration_seconds_count"
FAILURES = "nginx_http_upstream_failures_total"
CACHE = "nginx_http_cache_requests_total"


class RawServer:
    """Says the same bytes to each request and hangs up; None: nothing, until it is stopped."""

    def __init__(self, answer):
        self.answer = answer
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        self.connections = []
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self):
        while True:
            try:
                connection, _ = self.socket.accept()
            except OSError:
                return
            self.connections.append(connection)
            if self.answer is not None:
                with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                    connection.recv(65536)
                    connection.sendall(self.answer)
                connection.close()

    def stop(self):
        self.socket.close()
        for connection in self.connections:
            connection.close()


class UpstreamTest(NginxCase):
    def raw(self, answer):
        server = RawServer(answer)
        self.addCleanup(server.stop)
        return server.port

    def proxy(self, locations, settings="", http=""):
        return self.nginx(f"""
            {http}
            server {{ listen PORT0; promplug on; {locations} {METRICS} }}
            server {{ listen PORT1;
              location / {{ return 200 "fine\\n"; }}
              location /500 {{ return 500; }}
              location /accel {{ add_header X-Accel-Redirect /internal; return 200; }}
              location /auth {{ return 401; }}
              location /cached {{ add_header Cache-Control max-age=60; return 200 "cached\\n"; }} }}
            """, settings, n_ports=2)

    def counted_failure(self, host, upstream, reason, number=1):
        self.counted(host, number, FAILURES, upstream=upstream, reason=reason)
        self.counted(host, number, FAILURES, upstream=upstream)

    def test_a_response_is_one_attempt_and_no_failure(self):
        host = self.proxy("location / { proxy_pass http://app; }",
                          http="upstream app { server PORT1; }")
        for _ in range(3):
            self.assertEqual(host.request("/").text, "fine\n")
        self.counted(host, 3, DURATIONS, upstream="app")
        self.counted(host, 0, FAILURES, upstream="app")

    def test_failures_that_never_happened_are_there_with_0(self):
        host = self.proxy("location / { proxy_pass http://app; }",
                          http="upstream app { server PORT1; }")
        text = host.request("/metrics").text
        for reason in ("error", "timeout", "http_5xx", "truncated"):
            self.assertEqual(value(text, FAILURES, upstream="app", reason=reason), 0)

    def test_an_address_is_an_upstream_with_its_port(self):
        host = self.proxy("location / { proxy_pass http://PORT1; }")
        host.request("/")
        self.counted(host, 1, DURATIONS, upstream=f"127.0.0.1:{host.ports[1]}")

    def test_a_name_that_is_looked_up_at_run_time_is_resolved(self):
        host = self.proxy("location / { proxy_pass http://$arg_to; }")
        for _ in range(2):
            host.request(f"/?to=127.0.0.1:{host.ports[1]}")
        self.counted(host, 2, DURATIONS, upstream="resolved")

    def test_no_connection_and_nonsense_are_errors(self):
        nonsense = self.raw(b"HTTP/1.1 200 OK\r\nno header\r\n\r\n")
        for port in (free_port(), self.raw(b""), nonsense):
            host = self.proxy(f"location / {{ proxy_pass http://127.0.0.1:{port}; }}")
            self.assertEqual(host.request("/").status, 502)
            self.counted_failure(host, f"127.0.0.1:{port}", "error")

    def test_no_response_in_time_is_a_timeout(self):
        port = self.raw(None)
        host = self.proxy(f"location / {{ proxy_read_timeout 100ms; "
                          f"proxy_pass http://127.0.0.1:{port}; }}")
        self.assertEqual(host.request("/").status, 504)
        self.counted_failure(host, f"127.0.0.1:{port}", "timeout")

    def test_a_response_of_5xx_is_http_5xx(self):
        host = self.proxy("location / { proxy_pass http://app; }",
                          http="upstream app { server PORT1; }")
        self.assertEqual(host.request("/500").status, 500)
        self.counted_failure(host, "app", "http_5xx")

    def test_a_body_that_breaks_off_is_truncated_buffered_or_not(self):
        port = self.raw(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nonly this")
        for buffering in ("on", "off"):
            with self.subTest(buffering):
                host = self.proxy(f"location / {{ proxy_buffering {buffering}; "
                                  f"proxy_pass http://127.0.0.1:{port}; }}")
                with self.assertRaises(Exception):
                    host.request("/")
                self.counted_failure(host, f"127.0.0.1:{port}", "truncated")

    def test_a_client_that_goes_away_is_no_failure_of_the_upstream(self):
        port = self.raw(None)
        host = self.proxy(f"location / {{ proxy_pass http://127.0.0.1:{port}; }}")
        with socket.create_connection(("127.0.0.1", host.ports[0])) as client:
            client.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            self.eventually(lambda: value(host.request("/metrics").text, "nginx_connections",
                                          state="writing") == 2, 10, "the request is there")
        self.counted(host, 1, DURATIONS, upstream=f"127.0.0.1:{port}")
        self.counted(host, 0, FAILURES)

    def test_a_client_that_reads_too_slowly_is_no_failure_of_the_upstream(self):
        whole = 16 << 20
        port = self.raw(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % whole + bytes(whole))
        for buffering in ("on", "off"):
            with self.subTest(buffering):
                host = self.proxy(f"location / {{ proxy_buffering {buffering}; send_timeout 100ms; "
                                  f"proxy_pass http://127.0.0.1:{port}; }}")
                with socket.create_connection(("127.0.0.1", host.ports[0])) as client:
                    client.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
                    self.counted(host, 1, DURATIONS, upstream=f"127.0.0.1:{port}")
                self.counted(host, 0, FAILURES)

    def test_each_try_of_the_next_server_is_an_attempt(self):
        host = self.proxy("location / { proxy_pass http://app; }", http="upstream app { "
                          f"server 127.0.0.1:{free_port()} max_fails=0; server PORT1 backup; }}")
        self.assertEqual(host.request("/").text, "fine\n")
        self.counted(host, 2, DURATIONS, upstream="app")
        self.counted_failure(host, "app", "error")

    def test_after_a_redirect_each_upstream_has_its_own_attempts(self):
        dead = f"upstream dead {{ server 127.0.0.1:{free_port()} max_fails=0; }}"
        host = self.proxy("""
            location /named { proxy_pass http://dead; error_page 502 = @app; }
            location @app { proxy_pass http://app; }
            location /moved { proxy_pass http://dead; error_page 502 = /static; }
            location /static { return 200; }
            location /returned { proxy_pass http://dead; error_page 502 = @return; }
            location @return { return 204; }
            location /accel { proxy_pass http://app; }
            location /internal { proxy_pass http://dead; }""",
                          http=dead + " upstream app { server PORT1; }")
        self.assertEqual(host.request("/named").status, 200)
        self.counted_failure(host, "dead", "error", 1)
        self.counted(host, 1, DURATIONS, upstream="app")
        self.assertEqual(host.request("/moved").status, 200)
        self.counted_failure(host, "dead", "error", 2)
        self.assertEqual(host.request("/returned").status, 204)
        self.counted_failure(host, "dead", "error", 3)
        self.assertEqual(host.request("/accel").status, 502)
        self.counted_failure(host, "dead", "error", 4)
        self.counted(host, 2, DURATIONS, upstream="app")
        self.counted(host, 4, DURATIONS, upstream="dead")

    def test_upstreams_of_subrequests_are_counted(self):
        host = self.proxy("""
            location / { auth_request /check; proxy_pass http://app; }
            location /check { proxy_pass http://guard/auth; }""",
                          http="upstream app { server PORT1; } upstream guard { server PORT1; }")
        self.assertEqual(host.request("/").status, 401)
        self.counted(host, 1, DURATIONS, upstream="guard")
        self.counted(host, 0, DURATIONS, upstream="app")

    def test_slices_are_attempts_each(self):
        host = self.proxy("""
            location / { slice 1k; proxy_cache box; proxy_cache_key $uri$slice_range;
                         proxy_cache_valid 200 206 1m;
                         proxy_set_header Range $slice_range; proxy_pass http://files; }""",
                          "proxy_cache_path cache keys_zone=box:1m;",
                          http="upstream files { server PORT1; }")
        self.write_file(host)
        for _ in range(2):
            self.assertEqual(len(host.request("/file").body), 10 * 1024)
        self.counted(host, 10, DURATIONS, upstream="files")
        self.counted(host, 10, CACHE, result="miss")
        self.counted(host, 10, CACHE, result="hit")

    def write_file(self, host):
        before = host.make_http
        (host.directory / "file").write_bytes(b"x" * 10 * 1024)
        host.reload(lambda ports: before(ports).replace(
            'location / { return 200 "fine\\n"; }', f"root {host.directory};"))

    def test_answers_of_a_cache_are_counted_by_zone(self):
        host = self.proxy("""
            location / { promplug on zone=pages; proxy_cache box; proxy_cache_bypass $arg_no;
                         proxy_pass http://app; }""", "proxy_cache_path cache keys_zone=box:1m;",
                          http="upstream app { server PORT1; }")
        for path in ("/cached", "/cached", "/cached", "/cached?no=1"):
            self.assertEqual(host.request(path).text, "cached\n")
        labels = {"server": "_", "zone": "pages"}
        for result, number in (("miss", 1), ("hit", 2), ("bypass", 1)):
            self.counted(host, number, CACHE, result=result, **labels)
        self.counted(host, 2, DURATIONS, upstream="app")

    def test_bounds_are_those_of_the_configuration(self):
        host = self.proxy("location / { proxy_pass http://app; }", "promplug_upstream_buckets 3;",
                          http="upstream app { server PORT1; }")
        host.request("/")
        self.counted(host, 1, "nginx_http_upstream_duration_seconds_bucket", upstream="app", le="3")

    def test_nothing_is_counted_where_it_is_off(self):
        host = self.proxy("location / { promplug off; proxy_pass http://app; }",
                          http="upstream app { server PORT1; }")
        host.request("/")
        host.request("/500")
        self.assertEqual(value(host.request("/metrics").text, DURATIONS, upstream="app"), 0)


if __name__ == "__main__":
    unittest.main()
