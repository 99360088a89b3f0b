# SPDX-License-Identifier: MIT
"""Workers of uvicorn and gunicorn that are one instance, by multiprocess.dir."""
import contextlib
import os
import re
import signal
import tempfile
import threading
import unittest

from stack import web
from stack.process import wait_until
from stack.servers import Pushgateway
from support import WAIT_SECONDS, read_samples, sample
from web_case import APPS, WebCase

MODES = {"sum": sum, "livesum": sum, "min": min, "livemin": min, "max": max, "livemax": max}
UVICORN_WORKER = ("--worker-class", "uvicorn.workers.UvicornWorker")


class WorkersCase(WebCase):
    @contextlib.contextmanager
    def a_set(self, name):
        """A subtest with a directory of its own, which its servers share."""
        with self.subTest(name), tempfile.TemporaryDirectory(prefix="promplug-python-", dir="/dev/shm",
                                                             ignore_cleanup_errors=True) as directory:
            self.set_directory = directory
            yield

    def settings(self, **more):
        return {"multiprocess.dir": self.set_directory, "multiprocess.collect_interval_seconds": "0.1", **more}

    def start_uvicorn(self, **more):
        return self.uvicorn("--workers", "2", overrides=self.settings(**more), APP_WORK="1")

    def start_gunicorn(self, *arguments, **more):
        environment = {"APP_WORK": "1"}
        if "asgi_app:app" in arguments:
            arguments = [given for given in arguments if given != "asgi_app:app"]
            environment.update(application="asgi_app:app", ready="/api/items/1")
        if "--config" in arguments:
            environment["APP_POST_FORK"] = "1"
        return self.gunicorn("--workers", "2", *arguments, overrides=self.settings(**more), **environment)

    # Each way that a server has workers: by its name, a function that starts it with two, and how
    # many other processes answer for themselves as well.
    def ways(self):
        post_fork = ("--config", APPS / "post_fork.py")
        return {"uvicorn": (self.start_uvicorn, 0),
                "gunicorn": (self.start_gunicorn, 0),
                "gunicorn --preload": (lambda **more: self.start_gunicorn("--preload", **more), 1),
                "gunicorn --preload, post_fork": (
                    lambda **more: self.start_gunicorn("--preload", *post_fork, **more), 0),
                "gunicorn -k uvicorn": (
                    lambda **more: self.start_gunicorn(*UVICORN_WORKER, "asgi_app:app", **more), 0),
                "gunicorn -k uvicorn --preload": (
                    lambda **more: self.start_gunicorn("--preload", *UVICORN_WORKER, "asgi_app:app", **more), 0)}

    def work_until_all_have(self, server, workers=2, done=0):
        """(Pieces of work that were done with those of before, the pids that did some, the last.)"""
        pids, last = set(), 0

        def all_have():
            nonlocal done, last
            last = server.get("/work/1").json()["pid"]
            done += 1
            pids.add(last)
            return len(pids) == workers

        wait_until(all_have, WAIT_SECONDS, f"{workers} workers answer")
        return done, pids, last

    def values(self, text, name):
        """The values of all series of that name, by their label `worker`."""
        return {dict(labels).get("worker"): value for (found, labels), value in read_samples(text).items()
                if found == name}

    def wait_metrics(self, server, condition, what):
        """An exposition that the condition is true of, which collectors reach after a moment."""
        texts = []

        def reached():
            texts.append(server.metrics())
            return condition(texts[-1])

        wait_until(reached, WAIT_SECONDS, lambda: f"{what}, in:\n{texts[-1]}")
        return texts[-1]

    def gateway(self, instance):
        gateway = Pushgateway(self.directory())
        self.addCleanup(gateway.stop)
        return gateway, {"pushgateway.url": gateway.url, "pushgateway.job": "python", "forward": "[]",
                         "pushgateway.instance": instance, "pushgateway.interval_seconds": "3600"}

    def requests_of(self, gateway, method):
        return sum(float(value) for value in re.findall(
            rf'^pushgateway_http_requests_total{{.*method="{method}".*}} (\S+)$', gateway.metrics(), re.MULTILINE))


class OneInstanceTest(WorkersCase):
    def test_any_worker_answers_for_all(self):
        for name, (start, others) in self.ways().items():
            with self.a_set(name):
                server = start()
                done, pids, last = self.work_until_all_have(server)
                for _ in range(20):
                    text = server.metrics()
                    self.assertEqual(sample(text, "work_total", n="1"), done)
                    self.assertEqual(sample(text, "work_seconds_count"), done)
                    self.assertEqual(sample(text, "work_seconds_sum"), done / 2)
                zeros = [0] * others
                for mode, combine in MODES.items():
                    self.assertEqual(sample(text, "level_" + mode), combine([*pids, *zeros]), mode)
                for mode in ("mostrecent", "livemostrecent"):
                    self.assertEqual(sample(text, "level_" + mode), last, mode)
                numbers = {str(number) for number in range(2 + others)}
                for mode in ("all", "liveall"):
                    levels = self.values(text, "level_" + mode)
                    self.assertEqual(sorted(levels.values()), sorted([*pids, *zeros]))
                    self.assertLessEqual(set(levels), numbers | {"2"})
                self.assert_collected(server, done, pids, others)
                self.assert_requests(server, done)
                self.assertEqual(server.process.stop(), 0)

    def assert_collected(self, server, done, pids, others):
        everybody = 2 + others
        text = self.wait_metrics(
            server, lambda text: sample(text, "client_work_total") == done
            and len(self.values(text, "worker_pid")) == everybody and sample(text, "leader_pid") is not None
            and sample(text, "client_level") == sum(pids), "what the collectors of all say")
        self.assertLessEqual(pids, set(self.values(text, "worker_pid").values()))
        self.assertIn(sample(text, "leader_pid"), self.values(text, "worker_pid").values())
        self.assertEqual(sample(text, "client_max", k="v"), max(pids))
        self.assertEqual(sample(text, "pool"), 2 * everybody)
        self.assertEqual(sample(text, "asked"), 3 * everybody)

    def assert_requests(self, server, done):
        text = server.metrics()
        requests = {labels: value for (name, labels), value in read_samples(text).items()
                    if name == "http_requests_total"}
        routes = {dict(labels)["route"]: value for labels, value in requests.items()}
        self.assertEqual(sum(value for route, value in routes.items() if route.startswith("/work/")), done)
        self.assertEqual(sum(self.values(text, "http_requests_in_flight").values()), 0)

    def test_one_pushes_and_another_takes_over_without_a_delete(self):
        for name in ("uvicorn", "gunicorn", "gunicorn --preload, post_fork"):
            with self.a_set(name):
                gateway, settings = self.gateway("taken over")
                server = self.ways()[name][0](**settings)
                done, pids, _ = self.work_until_all_have(server)
                leader = self.leader(server, pids)
                os.kill(leader, signal.SIGKILL)

                def another_pushes():
                    said = self.try_get(server, "/push")
                    return said is not None and said["pushed"] and said["pid"] != leader

                wait_until(another_pushes, WAIT_SECONDS, "another worker pushes")
                self.assertEqual(self.pushed(gateway, "taken over", "work_total"), done)
                self.assertEqual(self.requests_of(gateway, "delete"), 0)
                server.process.stop()

    def try_get(self, server, path):
        """The answer's JSON; None where the worker that took the connection was killed."""
        try:
            return server.get(path).json()
        except (OSError, web.http.client.HTTPException):
            return None

    def leader(self, server, pids):
        """The one process that may push; the others may not."""
        said = {}

        def all_said():
            answer = server.get("/push").json()
            said[answer["pid"]] = answer["pushed"]
            # Of workers that start at once there is none at first.
            return set(said) >= pids and any(said.values())

        wait_until(all_said, WAIT_SECONDS, "all workers tried to push")
        for _ in range(20):
            all_said()
        self.assertEqual(sorted(said.values()), [False, True])
        return next(pid for pid, pushed in said.items() if pushed)

    def pushed(self, gateway, instance, family):
        group = gateway.group("python", instance)
        if group is None or family not in group:
            return None
        return sum(float(metric["value"]) for metric in group[family]["metrics"])

    def test_the_last_process_pushes_once_at_the_stop(self):
        for name, (start, _) in self.ways().items():
            with self.a_set(name):
                gateway, settings = self.gateway("last")
                server = start(**settings)
                # The one push of a set that begins.
                wait_until(lambda: self.requests_of(gateway, "put") == 1, WAIT_SECONDS, "the first push")
                done, _, _ = self.work_until_all_have(server)
                self.assertEqual(server.process.stop(), 0)
                self.assertEqual(self.pushed(gateway, "last", "work_total"), done)
                # Who is still there when the leader leaves takes over, and pushes then, unless it
                # is told to stop before.
                takeovers = server.process.log().count("pushes and listens for its set from now on")
                self.assertIn(self.requests_of(gateway, "put"), range(2, 3 + takeovers))
                self.assertEqual(self.requests_of(gateway, "delete"), 0)


class LossTest(WorkersCase):
    """Under load: what was answered is counted, and what broke off was counted once at most."""

    def load(self, server):
        """Asks until what it returns is called, or the test ends."""
        self.answered, self.broken, self.lock = sample(server.metrics(), "work_total", n="1"), 0, threading.Lock()
        ended = threading.Event()

        def ask():
            while not ended.is_set():
                try:
                    good = server.get("/work/1").status == 200
                except (OSError, web.http.client.HTTPException):
                    good = False
                with self.lock:
                    self.answered += good
                    self.broken += not good

        threads = [threading.Thread(target=ask) for _ in range(3)]
        for thread in threads:
            thread.start()

        def end():
            ended.set()
            for thread in threads:
                thread.join()

        self.addCleanup(end)
        return end

    def reach(self, more):
        with self.lock:
            wanted = self.answered + more
        wait_until(lambda: self.answered >= wanted, WAIT_SECONDS, f"{wanted} answers")

    def assert_total(self, server):
        total = sample(server.metrics(), "work_total", n="1")
        self.assertGreaterEqual(total, self.answered)
        self.assertLessEqual(total, self.answered + self.broken)

    def test_a_worker_that_is_killed_loses_nothing_that_was_answered(self):
        for name in ("gunicorn", "gunicorn --preload", "gunicorn -k uvicorn"):
            with self.a_set(name):
                server = self.ways()[name][0]()
                self.work_until_all_have(server)
                end = self.load(server)
                for _ in range(3):
                    self.reach(20)
                    workers = self.serving(server)
                    os.kill(max(workers), signal.SIGKILL)
                    wait_until(lambda: len(self.serving(server) - workers) == 1, WAIT_SECONDS, "a new worker")
                self.reach(20)
                end()
                self.assert_total(server)
                levels = self.values(self.wait_metrics(
                    server, lambda text: self.serving(server) <= set(self.values(text, "worker_pid").values()),
                    "the new workers are seen"), "worker_pid")
                self.assertLessEqual({int(number) for number in levels}, {0, 1, 2, 3}, "numbers are used again")
                server.process.stop()

    def serving(self, server):
        """The workers that are there and not on their way out."""
        return {pid for pid in server.workers() if not self.is_zombie(pid)}

    def is_zombie(self, pid):
        try:
            with open(f"/proc/{pid}/stat", encoding="utf-8") as stat:
                return stat.read().rsplit(")", 1)[1].split()[0] == "Z"
        except OSError:
            return True

    def test_a_reload_loses_nothing_and_the_old_workers_are_gone(self):
        for name in ("gunicorn", "gunicorn --preload, post_fork", "gunicorn -k uvicorn"):
            with self.a_set(name):
                server = self.ways()[name][0]()
                self.work_until_all_have(server)
                end = self.load(server)
                for _ in range(2):
                    self.reach(20)
                    workers = self.serving(server)
                    server.process.send(signal.SIGHUP)
                    wait_until(lambda: len(self.serving(server)) == 2 and not self.serving(server) & workers,
                               WAIT_SECONDS, "new workers")
                self.reach(20)
                end()
                self.assert_total(server)
                text = self.wait_metrics(
                    server, lambda text: set(self.values(text, "worker_pid").values()) == self.serving(server),
                    "the new workers, and no others")
                self.assertEqual(len(self.values(text, "level_all")), 2)
                server.process.stop()

    def test_a_restart_goes_on_with_the_totals(self):
        done = 0
        with self.a_set("restart"):
            for name in ("uvicorn", "gunicorn"):
                server = self.ways()[name][0]()
                done, _, _ = self.work_until_all_have(server, done=done)
                self.assertEqual(sample(server.metrics(), "work_total", n="1"), done)
                self.assertEqual(server.process.stop(), 0)


if __name__ == "__main__":
    unittest.main()
