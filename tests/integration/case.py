# SPDX-License-Identifier: MIT
"""What all integration tests share: directories, hosts and servers that end with the test."""
import pathlib
import shutil
import sys
import tempfile
import threading
import unittest

from stack import web
from stack.kinds import new_host
from stack.process import wait_until

DATA = pathlib.Path(__file__).parent.parent / "data"
INTERVAL_SECONDS = 15  # the floor of the plugin
# One interval and what a loaded machine may add.
NEXT_PUSH_SECONDS = INTERVAL_SECONDS + 10


def push_config(gateway_url, **changes):
    """A configuration that pushes to the gateway and forwards nothing."""
    pushgateway = {"url": gateway_url, "interval_seconds": INTERVAL_SECONDS, "job": "photo-api",
                   "instance": "10.0.0.5", **changes}
    return {"pushgateway": pushgateway, "forward": []}


class StackCase(unittest.TestCase):
    """Directories, hosts and servers of the class live as long as the class, others a test long."""

    @classmethod
    def setUpClass(cls):
        cls.directory = pathlib.Path(tempfile.mkdtemp(prefix="promplug-test-"))
        cls.addClassCleanup(shutil.rmtree, cls.directory, ignore_errors=True)
        cls._number = 0

    def run(self, result=None):
        before = len(result.failures) + len(result.errors)
        super().run(result)
        if len(result.failures) + len(result.errors) > before:
            for log in sorted(self.directory.rglob("*.log"), key=lambda p: p.stat().st_mtime):
                text = log.read_text(encoding="utf-8", errors="replace")
                print(f"---- {log.name}\n{text[-6000:]}", file=sys.stderr)

    @classmethod
    def new_directory(cls):
        cls._number += 1
        path = cls.directory / str(cls._number)
        path.mkdir()
        return path

    @classmethod
    def class_server(cls, kind, *args):
        server = kind(cls.new_directory(), *args)
        cls.addClassCleanup(server.stop)
        return server

    @classmethod
    def class_host(cls, plugin_config=None, **kwargs):
        host = new_host(cls.new_directory(), plugin_config=plugin_config, **kwargs)
        cls.addClassCleanup(host.stop)
        return host.start()

    def server(self, kind, *args):
        server = kind(self.new_directory(), *args)
        self.addCleanup(server.stop)
        return server

    def fake(self, server):
        self.addCleanup(server.stop)
        return server

    def host(self, plugin_config=None, **kwargs):
        host = new_host(self.new_directory(), plugin_config=plugin_config, **kwargs)
        self.addCleanup(host.stop)
        return host.start()

    def eventually(self, condition, seconds, what):
        return wait_until(condition, seconds, what)

    def assert_serves(self, host):
        self.assertEqual(host.request(host.health_path).status, 200)
        self.assertEqual(host.request(host.good_path).status, 200)


class Background:
    """Threads that run _run() while it is entered, and end when _stop is set."""

    def __init__(self, threads):
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._run, daemon=True) for _ in range(threads)]

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _run(self):
        raise NotImplementedError


class Traffic(Background):
    """Requests on some threads until it is stopped; keeps each status and how long it took."""

    def __init__(self, host, paths, threads=2):
        super().__init__(threads)
        self.host, self.paths = host, paths
        self.results, self.failures = [], []

    def _run(self):
        while True:
            for path in self.paths:
                if self._stop.wait(0.005):
                    return
                try:
                    answer, seconds = web.timed(web.get, self.host.url + path, timeout=30)
                    self.results.append((path, answer.status, seconds))
                except OSError as error:
                    self.failures.append((path, error))
