# SPDX-License-Identifier: MIT
"""Workers of Node's cluster with one `multiprocess.dir` are one instance, whatever becomes of them."""
import http.client
import json
import os
import pathlib
import shutil
import signal
import tempfile
import threading
import unittest

from case import StackCase, push_config
from exposition import value
from stack import web
from stack.hosts import node_environment
from stack.process import Process, free_port
from stack.servers import Pushgateway

PLUGIN = os.environ["PROMPLUG_PLUGIN"]
APP = pathlib.Path(__file__).parent / "apps/cluster_app.js"
WAIT_SECONDS = 60
WORKERS = 4


class Cluster:
    """The application on a port, with the directory of the set on a tmpfs."""

    def __init__(self, case, **overrides):
        shared = tempfile.mkdtemp(prefix="promplug-node-", dir="/dev/shm")
        case.addCleanup(shutil.rmtree, shared, ignore_errors=True)
        self.case, self.port = case, free_port()
        config = {"multiprocess.dir": shared, "multiprocess.collect_interval_seconds": "0.2", **overrides}
        self.process = Process("node", ["node", APP], case.new_directory(), {
            **node_environment(), "PROMPLUG_PLUGIN": PLUGIN, "APP_OVERRIDES": json.dumps(config),
            "APP_WORKERS": str(WORKERS), "APP_PORT": str(self.port)})
        case.addCleanup(self.process.kill)
        case.eventually(lambda: len(self.pids()) == WORKERS, WAIT_SECONDS,
                        lambda: f"all workers answer\n{self.process.log()}")

    def get(self, path):
        """The text, each time over a new connection, which cluster hands to the next worker."""
        return web.get(f"http://127.0.0.1:{self.port}{path}", timeout=WAIT_SECONDS).text

    def try_get(self, path):
        """The text, or None where the worker that had the connection is gone."""
        try:
            # One that the primary handed to a worker that was killed may be answered by nobody.
            answer = web.get(f"http://127.0.0.1:{self.port}{path}", timeout=5)
        except (OSError, http.client.HTTPException):
            return None
        return answer.text if answer.status == 200 else None

    def pids(self):
        return {pid for pid in (self.try_get("/pid") for _ in range(2 * WORKERS)) if pid}

    def value(self, name, **labels):
        return value(self.get("/metrics"), name, **labels)


class ClusterTest(StackCase):
    def test_any_worker_answers_with_what_all_have_counted(self):
        cluster = Cluster(self)
        answered = [cluster.get("/count/x/25") for _ in range(40)]
        self.assertEqual(len(set(answered)), WORKERS)
        for _ in range(2 * WORKERS):
            text = cluster.get("/metrics")
            self.assertEqual(value(text, "app_total", kind="x"), 1000)
            self.assertEqual(value(text, "app_size_count"), 40)
            self.assertEqual(value(text, "http_requests_total", route="/count"), 40)
            self.assertEqual(value(text, "app_level"), WORKERS)

    def test_what_collectors_of_all_workers_say_is_shown(self):
        cluster = Cluster(self)
        self.eventually(lambda: cluster.get("/metrics").count("\napp_worker{") == WORKERS, WAIT_SECONDS,
                        lambda: f"a series of each worker in\n{cluster.get('/metrics')}")

    def test_gauges_of_collectors_become_one_as_their_aggregator_says(self):
        cluster = Cluster(self)
        for name, expected in [("app_sum", 2 * WORKERS), ("app_max", 2), ("app_first", 2),
                               ("bridged", 3 * WORKERS), ("bridged_max", 3)]:
            self.eventually(lambda: cluster.value(name) == expected, WAIT_SECONDS,
                            lambda: f"{name} is {expected} in\n{cluster.get('/metrics')}")
        for name in ["app_average", "app_undefined"]:
            self.eventually(lambda: cluster.get("/metrics").count(f'\n{name}{{worker="') == WORKERS, WAIT_SECONDS,
                            lambda: f"{name} of each worker in\n{cluster.get('/metrics')}")

    def test_workers_that_are_killed_under_load_lose_nothing_that_was_answered(self):
        cluster = Cluster(self)
        answers, stop = [], threading.Event()

        def load():
            while not stop.is_set():
                answers.append(cluster.try_get("/count/load/10"))

        threads = [threading.Thread(target=load, daemon=True) for _ in range(3)]
        for thread in threads:
            thread.start()
        killed = set()
        for _ in range(8):
            pid = self.eventually(lambda: (cluster.pids() - killed or {None}).pop(), WAIT_SECONDS, "a worker")
            os.kill(int(pid), signal.SIGKILL)
            killed.add(pid)
        stop.set()
        for thread in threads:
            thread.join(WAIT_SECONDS)
        whole = sum(answer is not None for answer in answers)
        self.assertGreater(whole, 50)
        # The primary may hand this connection to the worker that was just killed.
        text = self.eventually(lambda: cluster.try_get("/metrics"), WAIT_SECONDS, "a scrape")
        counted = value(text, "app_total", kind="load")
        # What was in flight at a kill may be counted without an answer.
        self.assertGreaterEqual(counted, 10 * whole)
        self.assertLessEqual(counted, 10 * len(answers))

    def test_a_restart_of_all_workers_keeps_the_totals_and_one_pushes(self):
        gateway = self.server(Pushgateway)
        overrides = {f"pushgateway.{key}": entry for key, entry in push_config(gateway.url)["pushgateway"].items()}
        cluster = Cluster(self, forward="[]", **overrides)
        for _ in range(20):
            cluster.get("/count/x/5")
        before = cluster.pids()
        cluster.process.send(signal.SIGHUP)
        self.eventually(lambda: len(cluster.pids()) == WORKERS and not cluster.pids() & before, WAIT_SECONDS,
                        "other workers answer")
        cluster.get("/count/x/5")
        self.assertEqual(cluster.value("app_total", kind="x"), 105)
        self.assertEqual(cluster.process.stop(signal.SIGTERM, WAIT_SECONDS), 0)
        group = gateway.group("photo-api", "10.0.0.5")
        self.assertEqual([float(m["value"]) for m in group["app_total"]["metrics"]], [105])
        self.assertEqual(len(gateway.groups()), 1)


if __name__ == "__main__":
    unittest.main()
