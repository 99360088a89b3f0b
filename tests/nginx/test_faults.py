# SPDX-License-Identifier: MIT
"""A plugin that is late, breaks off or never ends: what nginx's loop and its clients see."""
import os
import re
import signal
import socket
import struct
import subprocess
import time
import unittest

from nginx_case import METRICS, NginxCase, exchange
from stack.servers import find_program

FAULTY = os.environ["PROMPLUG_NGINX_FAULT_PLUGIN"]
SERVERS = f"""
server {{ listen PORT0; promplug on; location / {{ return 200 "hello\\n"; }} {METRICS} }}
server {{ listen PORT1 http2; {METRICS} }}
"""


class FaultCase(NginxCase):
    def faulty(self, settings="", **kwargs):
        return self.nginx(SERVERS, settings, n_ports=2, plugin=FAULTY, **kwargs)

    def gate(self):
        """What scrapes wait for, until it is opened."""
        path = self.new_directory() / "gate"
        os.mkfifo(path)
        return path

    def open_gate(self, path):
        os.close(os.open(path, os.O_WRONLY))

    def waiting_scrape(self, host, gate):
        """A connection whose scrape waits in the plugin for the gate."""
        return self.open_scrape(host, f"wait={gate}")

    def open_scrape(self, host, query):
        """A connection whose scrape is in the plugin, which does not answer it yet."""
        open_before = self.open_scrapes(host)
        connection = socket.create_connection(("127.0.0.1", host.ports[0]), timeout=20)
        self.addCleanup(connection.close)
        connection.sendall(f"GET /metrics?{query} HTTP/1.1\r\nHost: x\r\n"
                           "Connection: close\r\n\r\n".encode())
        self.wait_open(host, open_before + 1)
        return connection

    def open_scrapes(self, host):
        return int(host.request("/metrics?open").text)

    def wait_open(self, host, number):
        self.eventually(lambda: self.open_scrapes(host) == number, 10,
                        lambda: f"{number} open scrapes, not {self.open_scrapes(host)}")

    def rest_of(self, connection):
        received = b""
        while piece := connection.recv(65536):
            received += piece
        return received


class LateTest(FaultCase):
    def test_the_loop_goes_on_while_a_scrape_waits(self):
        host, gate = self.faulty(), self.gate()
        connections = [self.waiting_scrape(host, gate) for _ in range(5)]
        for _ in range(50):
            self.assertEqual(host.request("/").text, "hello\n")
        self.open_gate(gate)
        for connection in connections:
            answer = self.rest_of(connection)
            self.assertTrue(answer.startswith(b"HTTP/1.1 200 "), answer)
            self.assertTrue(answer.endswith(b"\r\n0\r\n\r\n"), answer)
        self.wait_open(host, 0)

    def test_a_client_that_goes_away_ends_its_scrape(self):
        host, gate = self.faulty(), self.gate()
        connections = [self.waiting_scrape(host, gate) for _ in range(3)]
        for connection in connections:
            connection.close()
        self.wait_open(host, 0)

    def test_a_worker_that_shuts_down_answers_what_waits(self):
        host, gate = self.faulty(), self.gate()
        connection = self.waiting_scrape(host, gate)
        old = host.worker_pids()
        host.send(signal.SIGHUP)
        self.eventually(lambda: host.worker_pids() and host.worker_pids() != old, 10, "new workers")
        self.assertIn(old[0], host.processes())
        self.open_gate(gate)
        self.assertTrue(self.rest_of(connection).endswith(b"\r\n0\r\n\r\n"))
        host.wait_log("fault: ended with 0 open scrapes")

    def test_a_scrape_that_is_ready_while_its_worker_begins_to_shut_down_is_answered(self):
        host = self.faulty()
        connection = self.open_scrape(host, "down")
        host.send(signal.SIGHUP)
        self.assertTrue(self.rest_of(connection).endswith(b"\r\n0\r\n\r\n"))
        host.wait_log("fault: ended with 0 open scrapes")

    def test_a_worker_that_is_terminated_ends_at_once(self):
        host, gate = self.faulty(), self.gate()
        connection = self.waiting_scrape(host, gate)
        start = time.monotonic()
        host.stop(signal.SIGTERM)
        self.assertLess(time.monotonic() - start, 5)
        self.assertEqual(self.rest_of(connection), b"")
        self.assertIn("fault: ended with 0 open scrapes", host.log())


class BrokenTest(FaultCase):
    def test_a_body_that_breaks_off_is_no_whole_one(self):
        host = self.faulty()
        answer = exchange(host.ports[0], b"GET /metrics?break HTTP/1.1\r\nHost: x\r\n\r\n")
        self.assertTrue(answer.startswith(b"HTTP/1.1 200 "))
        self.assertFalse(answer.endswith(b"0\r\n\r\n"))
        host.wait_log("the answer to a scrape broke off")
        self.wait_open(host, 0)

    def test_a_stream_whose_body_breaks_off_is_reset(self):
        host = self.faulty()
        done = subprocess.run([find_program("nghttp", "nghttp2-client"), "-nv",
                               f"http://127.0.0.1:{host.ports[1]}/metrics?break"],
                              capture_output=True, text=True, timeout=30, check=False)
        self.assertRegex(done.stdout, r"recv .*RST_STREAM")
        self.assertNotIn("END_STREAM", re.sub(r"send [^\n]*\n(\s[^\n]*\n)*", "", done.stdout))

    def test_a_client_that_breaks_it_off_is_no_error(self):
        host = self.faulty(main="error_log error.log info;")
        with socket.create_connection(("127.0.0.1", host.ports[0]), timeout=20) as connection:
            # While a body is to come nginx does not look whether the client is still there.
            connection.sendall(b"GET /metrics?flood HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n")
            self.assertEqual(connection.recv(12), b"HTTP/1.1 200")
            # Closed by a reset.
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        host.wait_log(r"\[info\] .*the answer to a scrape broke off")
        self.wait_open(host, 0)
        self.assertNotRegex(host.log(), r"\[error\]")

    def test_without_a_head_or_a_scrape_it_is_503(self):
        host = self.faulty()
        for query in ("head", "begin"):
            with self.subTest(query):
                self.assertEqual(host.request("/metrics?" + query).status, 503)
        host.wait_log("no scrape: fault: no scrape")
        self.wait_open(host, 0)


class LinesTest(FaultCase):
    def test_lines_of_other_threads_are_written_by_the_loop(self):
        host = self.faulty()
        self.assertEqual(host.request("/metrics?log=100").status, 200)
        self.eventually(lambda: host.log().count("promplug: fault: one of many lines") == 100, 10,
                        lambda: host.log()[-2000:])

    def test_a_flood_of_lines_is_cut_and_said(self):
        host = self.faulty()
        self.assertEqual(host.request("/metrics?log=200000").status, 200)

        def said():
            lost = sum(int(n) for n in re.findall(r"promplug: (\d+) log lines came too fast", host.log()))
            return lost + host.log().count("promplug: fault: one of many lines") == 200000
        self.eventually(said, 20, lambda: host.log()[-2000:])


class StuckTest(FaultCase):
    def test_a_plugin_that_does_not_end_holds_no_worker(self):
        host = self.faulty("promplug_set fault.stop 1; promplug_stop_timeout 200ms;")
        host.wait_log("fault: still there")
        for number in (signal.SIGHUP, signal.SIGQUIT):
            with self.subTest(number):
                if number == signal.SIGHUP:
                    host.reload()
                else:
                    host.stop(number)
                self.assertRegex(host.log(), r"the plugin has not ended within 200 ms: stuck")


if __name__ == "__main__":
    unittest.main()
