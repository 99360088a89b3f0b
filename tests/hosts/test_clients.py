# SPDX-License-Identifier: MIT
"""Clients and workers that take their time hold up no stop, and no last push."""
import contextlib
import os
import pathlib
import signal
import socket
import threading
import unittest
import urllib.parse

from case import push_config
from host_case import WAIT_SECONDS, GatewayCase

PAUSE_SECONDS = 0.2
STOP_SECONDS = 20  # of a request that takes all the time it has, and the stop of the plugin
KILL_SECONDS = 60


class DrippingClient:
    """It sends a piece of a head every now and then, until nobody takes it any more."""

    def __init__(self, host):
        where = urllib.parse.urlsplit(host.url)
        self._socket = socket.create_connection((where.hostname, where.port))
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._drip)

    def __enter__(self):
        self._socket.sendall(b"GET /photos HTTP/1.1\r\nX-Drip: ")
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._ended.set()
        self._thread.join()
        self._socket.close()

    def _drip(self):
        with contextlib.suppress(OSError):
            while not self._ended.wait(PAUSE_SECONDS):
                self._socket.sendall(b"x")


class SlowClientTest(GatewayCase):
    def sockets(self, pid):
        names = []
        for name in pathlib.Path(f"/proc/{pid}/fd").iterdir():
            with contextlib.suppress(FileNotFoundError):
                names.append(os.readlink(name))
        return sum(name.startswith("socket:") for name in names)

    def test_a_client_that_drips_its_head_does_not_hold_the_stop(self):
        host = self.host(push_config(self.gateway.url, instance="dripped"))
        self.ask(host, 3)
        self.wait_group(host, "photo-api", "dripped")
        (worker,) = host.worker_pids()
        at_rest = self.sockets(worker)
        with DrippingClient(host):
            self.eventually(lambda: self.sockets(worker) > at_rest, WAIT_SECONDS, "the worker has taken it")
            self.assertEqual(host.stop(seconds=STOP_SECONDS), 0, host.log())
        self.assertEqual(self.pushed(host, "photo-api", "dripped"), 3, host.log())

    def test_a_worker_that_hangs_is_killed_and_the_others_end_in_good_order(self):
        host = self.host(push_config(self.gateway.url, instance="hung"), workers=2)
        self.eventually(lambda: len(host.worker_pids()) == 2, WAIT_SECONDS, "two workers")
        hung = host.worker_pids()[0]
        os.kill(hung, signal.SIGSTOP)
        self.assertEqual(host.stop(seconds=KILL_SECONDS), 0, host.log())
        killed = [line for line in host.log().splitlines() if "does not end and is killed" in line]
        self.assertEqual([f"worker {hung} " in line for line in killed], [True], host.log())

    def test_a_reload_waits_for_the_workers_of_the_one_before_and_is_not_lost(self):
        config = push_config(self.gateway.url, instance="first")
        host = self.host(config)
        self.wait_group(host, "photo-api", "first")
        (first,) = host.worker_pids()
        with DrippingClient(host):
            for instance in ("second", "third"):
                config["pushgateway"]["instance"] = instance
                host.reload(config)
                self.wait_group(host, "photo-api", instance)
        self.eventually(lambda: len(host.worker_pids()) == 1 and first not in host.worker_pids(), WAIT_SECONDS,
                        lambda: f"one worker, not {host.worker_pids()}")
        self.assertEqual(host.stop(), 0, host.log())


if __name__ == "__main__":
    unittest.main()
