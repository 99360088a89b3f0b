# SPDX-License-Identifier: MIT
"""Many workers as one: exact totals over reloads, kills, a new binary; one pusher."""
import contextlib
import http.client
import os
import pathlib
import shutil
import signal
import socket
import tempfile
import threading
import unittest

from case import INTERVAL_SECONDS, NEXT_PUSH_SECONDS, Traffic
from nginx_case import METRICS, Nginx, NginxCase, REQUESTS, http_block, read_samples, value
from stack.servers import Pushgateway

WORKERS = 4
SERVER = f"""
server {{
  listen PORT0 reuseport;
  promplug on;
  keepalive_requests 50;
  location / {{ return 200 "hello\\n"; }}
  {METRICS}
}}"""

SLOW = f"""
server {{
  listen PORT0;
  promplug on;
  location / {{ return 200 "hello\n"; }}
  location /slow {{ limit_rate 1; return 200 "{"x" * 4000}"; }}
  {METRICS}
}}"""


class Load(Traffic):
    """Kept connections that ask without a pause.

    answered: whole answers with 200; broken: connections that ended before theirs.
    """

    def __init__(self, host, threads=4):
        super().__init__(host, ["/"], threads)
        self.port = host.ports[0]
        self.answered = self.broken = 0
        self._lock = threading.Lock()

    def _run(self):
        while not self._stop.is_set():
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
            with contextlib.closing(connection):
                answered, broken = self._ask(connection)
            with self._lock:
                self.answered += answered
                self.broken += broken

    def _ask(self, connection):
        answered = 0
        for _ in range(50):
            if self._stop.is_set():
                break
            try:
                connection.request("GET", "/")
                answer = connection.getresponse()
                if answer.status != 200 or answer.read() != b"hello\n":
                    return answered, 1
            except (OSError, http.client.HTTPException):
                return answered, 1
            answered += 1
        return answered, 0


class SetCase(NginxCase):
    def setUp(self):
        super().setUp()
        self.shared = pathlib.Path(tempfile.mkdtemp(prefix="promplug-test-", dir="/dev/shm"))
        self.addCleanup(shutil.rmtree, self.shared, ignore_errors=True)

    def nginx_set(self, settings="", server=SERVER, **kwargs):
        return self.nginx(server, f"promplug_multiprocess_dir {self.shared}/set;{settings}",
                          workers=WORKERS, **kwargs)

    def total(self, host):
        return value(host.request("/metrics").text, REQUESTS) or 0

    def seen_by_all(self, host, wanted):
        """Waits until the total is that, and then asks often enough to meet each worker."""
        self.counted(host, wanted)
        self.assertEqual({self.total(host) for _ in range(8 * WORKERS)}, {wanted})


class TotalsTest(SetCase):
    def test_every_worker_says_the_sum_of_all(self):
        host = self.nginx_set()
        for _ in range(100):
            host.request("/")
        self.seen_by_all(host, 100)
        series = [labels for name, labels in read_samples(host.request("/metrics").text)
                  if name == REQUESTS]
        self.assertEqual(len(series), 1)

    def test_histograms_and_bytes_are_sums_too(self):
        host = self.nginx_set()
        for _ in range(60):
            host.request("/")
        self.seen_by_all(host, 60)
        text = host.request("/metrics").text
        self.assertEqual(value(text, "nginx_http_request_duration_seconds_count"), 60)
        sent = value(text, "nginx_http_sent_bytes_total")
        self.assertEqual(sent % 60, 0)
        self.assertGreater(sent, 60 * 100)

    def test_counts_of_connections_are_there_once(self):
        host = self.nginx_set()

        def found():
            return [labels for name, labels in read_samples(host.request("/metrics").text)
                    if name == "nginx_connections"]
        self.eventually(found, 20, "one process has said them")
        self.assertEqual(sorted(dict(labels)["state"] for labels in found()),
                         ["active", "reading", "waiting", "writing"])
        self.assertTrue(all(len(labels) == 1 for labels in found()))

    def test_the_directory_is_made_and_belongs_to_the_workers(self):
        if os.geteuid() != 0:
            self.skipTest("only root changes the user of its workers")
        plugin = self.shared / "promplug.so"
        shutil.copy(os.environ["PROMPLUG_PLUGIN"], plugin)
        self.shared.chmod(0o755)
        for made in ("by nginx", "by somebody else"):
            with self.subTest(made):
                shutil.rmtree(self.shared / "set", ignore_errors=True)
                if made == "by somebody else":
                    (self.shared / "set").mkdir(0o755)
                host = self.nginx_set(user="www-data", plugin=plugin)
                for _ in range(40):
                    host.request("/")
                self.seen_by_all(host, 40)
                found = (self.shared / "set").stat()
                self.assertEqual(found.st_uid, os.stat(f"/proc/{host.worker_pids()[0]}").st_uid)
                host.stop()
                self.assertEqual(host.test()[0], 0, "it is taken again")


class LabelsTest(SetCase):
    def ask(self, host, names):
        for name in names:
            host.request("/", headers={"X-Who": name})

    def values(self, host):
        return {dict(labels)["who"] for family, labels in read_samples(host.request("/metrics").text)
                if family == REQUESTS}

    def test_the_values_of_a_label_are_bounded_over_reloads_and_restarts(self):
        host = self.nginx(SERVER, f"promplug_multiprocess_dir {self.shared}/set;"
                                  "promplug_label who $http_x_who max=5;")
        self.ask(host, [f"first{i}" for i in range(5)])
        known = {f"first{i}" for i in range(5)}
        self.counted(host, 5)
        for number, again in enumerate((host.reload, host.reload, lambda: (host.stop(), host.start())), 1):
            again()
            self.ask(host, [f"new{number}-{i}" for i in range(5)])
            self.ask(host, ["first3"])
            self.counted(host, 1 + number, who="first3")
            self.counted(host, 5 * number, who="other")
            self.assertEqual(self.values(host), known | {"other"})

    def test_what_several_workers_have_found_stays_known_to_those_that_follow(self):
        host = self.nginx_set("promplug_label who $http_x_who max=3;")
        self.ask(host, [f"first{i}" for i in range(100)])
        self.counted(host, 100)
        before = self.values(host)
        self.assertLessEqual(len(before - {"other"}), 3 * WORKERS)
        host.reload()
        known = sorted(before - {"other"})
        self.ask(host, known * 4)
        self.ask(host, [f"new{i}" for i in range(40)])
        self.counted(host, 140 + 4 * len(known))
        self.assertEqual(self.values(host), before)
        text = host.request("/metrics").text
        self.assertTrue(all(value(text, REQUESTS, who=name) == 5 for name in known), text)


class LifeTest(SetCase):
    def test_reloads_under_load_lose_nothing(self):
        host = self.nginx_set()
        with Load(host) as load:
            for _ in range(8):
                host.reload()
            self.eventually(lambda: load.answered > 1000, 60, lambda: f"1000 answers, not {load.answered}")
        # A kept connection that a worker closes when it shuts down answers nothing.
        self.counted(host, load.answered)
        self.seen_by_all(host, load.answered)

    def test_totals_never_fall_while_workers_come_and_go(self):
        host = self.nginx_set()
        seen = []
        with Load(host, threads=2):
            for _ in range(4):
                host.send(signal.SIGHUP)
                for _ in range(40):
                    seen.append(self.total(host))
        self.assertEqual(seen, sorted(seen))
        self.eventually(lambda: len(host.worker_pids()) == WORKERS, 20, "the workers are there")

    def test_kills_lose_no_more_than_what_was_in_flight(self):
        host = self.nginx_set()
        kills = 12
        with Load(host) as load:
            for i in range(kills):
                old = host.worker_pids()
                os.kill(old[i % len(old)], signal.SIGKILL)
                self.eventually(lambda gone=old[i % len(old)]: gone not in host.processes() and
                                len(host.worker_pids()) == WORKERS, 20, "a new worker")
            self.eventually(lambda: load.answered > 1000, 60, lambda: f"1000 answers, not {load.answered}")
        # Of an answer that is out the count may be missing; a count may be there, the answer not.
        self.eventually(lambda: abs(self.total(host) - load.answered) <= kills * 4, 10,
                        lambda: f"{self.total(host)} is near {load.answered}")
        self.assertEqual(len({self.total(host) for _ in range(8 * WORKERS)}), 1)
        self.forgive(host, "exited on signal 9")

    def forgive(self, host, text):
        lines = host.log().splitlines(keepends=True)
        host.error_log.write_text("".join(line for line in lines if text not in line),
                                  encoding="utf-8")

    def test_a_restart_of_the_whole_server_keeps_the_totals_or_begins_anew(self):
        for settings, kept in (("", 30), ("promplug_set multiprocess.on_restart clear;", 0)):
            for number in (signal.SIGQUIT, signal.SIGTERM):
                with self.subTest(settings=settings, number=number.name):
                    shutil.rmtree(self.shared / "set", ignore_errors=True)
                    host = self.nginx_set(settings)
                    for _ in range(30):
                        host.request("/")
                    self.seen_by_all(host, 30)
                    host.stop(number)
                    host.start()
                    host.request("/")
                    self.seen_by_all(host, kept + 1)

    def test_a_new_binary_loses_nothing(self):
        host = self.nginx_set(server=SERVER.replace(" reuseport", ""))
        old = host.master()
        with Load(host) as load:
            host.send(signal.SIGUSR2)
            self.eventually(lambda: pathlib.Path(f"{host.pid_file}.oldbin").exists() and
                            host.pid_file.exists() and host.master() != old, 20, "a new master")
            self.eventually(lambda: len(host.worker_pids()) == WORKERS, 20, "its workers")
            host.send(signal.SIGQUIT, old)
            self.eventually(lambda: old not in host.processes(), 30, "the old master has ended")
            self.eventually(lambda: load.answered > 100, 60, lambda: f"100 answers, not {load.answered}")
        self.seen_by_all(host, load.answered)


class PushTest(SetCase):
    def test_one_worker_pushes_for_all_and_another_takes_over(self):
        gateway = self.server(Pushgateway)
        host = self.nginx_set(f"promplug_set pushgateway.url {gateway.url};"
                              "promplug_set pushgateway.job nginx; promplug_set forward [];"
                              "promplug_set pushgateway.instance one;"
                              f"promplug_set pushgateway.interval_seconds {INTERVAL_SECONDS};")

        def pushed():
            group = gateway.group("nginx", "one") or {}
            return sum(float(m["value"]) for m in group.get(REQUESTS, {"metrics": []})["metrics"])
        for _ in range(80):
            host.request("/")
        self.eventually(lambda: pushed() == 80, 2 * NEXT_PUSH_SECONDS,
                        lambda: f"80 are pushed, not {pushed()}:\n{host.log()}")
        self.assertEqual(len(gateway.groups()), 1)
        host.reload()
        for _ in range(20):
            host.request("/")
        self.eventually(lambda: pushed() == 100, 3 * NEXT_PUSH_SECONDS,
                        lambda: f"100 are pushed, not {pushed()}:\n{host.log()}")
        host.request("/")
        host.stop()
        self.assertEqual(pushed(), 101)

    def test_an_old_worker_with_a_long_request_leaves_the_push_to_the_new_configuration(self):
        gateway = self.server(Pushgateway)

        def http(job):
            return http_block(SLOW, f"promplug_multiprocess_dir {self.shared}/set;"
                                    f"promplug_set pushgateway.url {gateway.url};"
                                    f"promplug_set pushgateway.job {job}; promplug_set forward [];"
                                    "promplug_set pushgateway.instance one;"
                                    f"promplug_set pushgateway.interval_seconds {INTERVAL_SECONDS};")

        def pushed(job, name=REQUESTS):
            group = gateway.group(job, "one") or {}
            return sum(float(m["value"]) for m in group.get(name, {"metrics": []})["metrics"])

        host = Nginx(self.new_directory(), http("before"))
        self.addCleanup(self.end, host)
        host.start()
        old = host.worker_pids()[0]
        with socket.create_connection(("127.0.0.1", host.ports[0]), timeout=20) as connection:
            connection.sendall(b"GET /slow HTTP/1.1\r\nHost: x\r\n\r\n")
            self.assertEqual(connection.recv(1), b"H")
            self.eventually(lambda: pushed("before", "push_time_seconds"), NEXT_PUSH_SECONDS, "a push")
            host.write(http("after"))
            host.send(signal.SIGHUP)
            self.eventually(lambda: pushed("after", "push_time_seconds"), 2 * NEXT_PUSH_SECONDS,
                            lambda: f"the new worker pushes:\n{host.log()}")
            last = pushed("before", "push_time_seconds")
            self.assertIn(old, host.processes())
            self.assertEqual(host.request("/").status, 200)
            self.eventually(lambda: pushed("after") == 1, 2 * NEXT_PUSH_SECONDS,
                            lambda: f"1 is pushed, not {pushed('after')}")
            self.assertEqual(pushed("before", "push_time_seconds"), last)
            self.assertIn(old, host.processes())
        self.eventually(lambda: old not in host.processes(), 10, "the old worker has ended")
        host.stop()
        # The long request is counted when it has ended; the last push is of the new configuration.
        self.assertEqual(pushed("after"), 2)
        self.assertEqual(pushed("before", "push_time_seconds"), last)


if __name__ == "__main__":
    unittest.main()
