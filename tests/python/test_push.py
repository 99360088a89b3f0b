# SPDX-License-Identifier: MIT
"""What reaches a real Pushgateway from Python hosts."""
import signal
import tempfile
import unittest

import promplug
from stack.servers import Pushgateway
from web_case import WebCase


class PushTest(WebCase):
    @classmethod
    def setUpClass(cls):
        cls.gateway = Pushgateway(cls.enterClassContext(tempfile.TemporaryDirectory(prefix="promplug-python-")))
        cls.addClassCleanup(cls.gateway.stop)

    def overrides(self, instance, **more):
        return {"pushgateway.url": self.gateway.url, "pushgateway.job": "python", "forward": "[]",
                "pushgateway.instance": instance, "pushgateway.interval_seconds": "3600", **more}

    def pushed(self, instance, family):
        """The sum of that family in the group of the instance, or None."""
        group = self.gateway.group("python", instance)
        if group is None or family not in group:
            return None
        return sum(float(metric["value"]) for metric in group[family]["metrics"])

    def test_a_push_on_demand_is_there_when_the_call_returns(self):
        plugin = self.load(self.overrides("demand"))
        promplug.Counter("work", "x", plugin=plugin).inc(3)
        promplug.register_collector("c", lambda: [("m", "gauge", "x", [({}, 8)])], plugin)
        plugin.push_now()
        self.assertEqual(self.pushed("demand", "work_total"), 3)
        self.assertEqual(self.pushed("demand", "m"), 8)
        status = plugin.status()
        self.assertGreaterEqual(status.pushes_ok, 1)
        self.assertGreater(status.last_push_ok, 1.6e9)

    def test_the_end_of_the_process_pushes_the_last_values(self):
        for name, ending in (("exit", "sys.exit(0)"), ("raise", "raise SystemExit(0)"), ("end", "pass")):
            with self.subTest(name):
                code, _, log = self.script(f"""
                    counter = promplug.Counter("work", "x")
                    promplug.load(overrides={self.overrides(name)!r})
                    counter.inc(5)
                    {ending}
                """)
                self.assertEqual(code, 0, log)
                self.assertEqual(self.pushed(name, "work_total"), 5)

    def test_a_stop_deletes_the_group_by_configuration(self):
        plugin = self.load(self.overrides("deleted", **{"pushgateway.on_stop": "delete"}))
        plugin.push_now()
        self.assertIsNotNone(self.gateway.group("python", "deleted"))
        plugin.stop()
        self.assertIsNone(self.gateway.group("python", "deleted"))

    def test_a_fork_child_pushes_for_itself(self):
        code, _, log = self.script(f"""
            counter = promplug.Counter("work", "x")
            plugin = promplug.load(overrides={self.overrides("child")!r})
            counter.inc(5)
            pid = os.fork()
            if pid == 0:
                counter.inc(2)
                plugin.push_now()
                sys.exit(0)
            os.waitpid(pid, 0)
            os._exit(0)
        """)
        self.assertEqual(code, 0, log)
        self.assertEqual(self.pushed("child", "work_total"), 2)

    def test_sigterm_of_uvicorn_pushes_the_last_values(self):
        server = self.uvicorn(overrides=self.overrides("uvicorn"))
        for _ in range(6):
            server.get("/boom")
        self.assertEqual(server.process.stop(signal.SIGTERM), 0)
        self.assertEqual(self.pushed("uvicorn", "http_requests_total"), 7)

    def test_sigterm_of_uvicorn_with_workers_ends_each_in_good_order(self):
        server = self.uvicorn("--workers", "2", overrides=self.overrides("workers"))
        self.assertEqual(server.process.stop(signal.SIGTERM), 0)
        # Each has pushed for itself, one over the other; the sum of both is nowhere.
        self.assertEqual(self.pushed("workers", "http_requests_in_flight"), 0)


if __name__ == "__main__":
    unittest.main()
