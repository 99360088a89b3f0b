# SPDX-License-Identifier: MIT
"""The last push of a Node process, however it ends, at a real Pushgateway."""
import json
import os
import pathlib
import signal
import time
import unittest

from case import StackCase
from fakes import FakeGateway
from stack.hosts import node_environment
from stack.process import Process
from stack.servers import Pushgateway

PLUGIN = os.environ["PROMPLUG_PLUGIN"]
HEAD = """
'use strict';
const promplug = require('promplug');
const plugin = promplug.load({ overrides: JSON.parse(process.env.OVERRIDES), stopTimeoutMs: 4000 });
const c = new promplug.Counter({ name: 'work_total', help: 'h' });
promplug.registerCollector('sync', () => ({ name: 'of_sync', type: 'gauge', values: [{ labels: {}, value: 5 }] }));
promplug.registerCollector('async', async () => ({ name: 'of_async', type: 'gauge', values: [{ labels: {}, value: 6 }] }));
for (let i = 0; i < 100; i++) c.inc();
"""


class ExitTest(StackCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.gateway = cls.class_server(Pushgateway)

    def start(self, text, url=None):
        """A process whose group has the name of the test."""
        directory = self.new_directory()
        pathlib.Path(directory, "main.js").write_text(HEAD + text, encoding="utf-8")
        overrides = {"pushgateway.url": url or self.gateway.url, "pushgateway.instance": self.id(),
                     "pushgateway.timeout_seconds": 3, "forward": "[]"}
        process = Process("node", ["node", "main.js"], directory, {
            **node_environment(), "PROMPLUG_PLUGIN": PLUGIN, "OVERRIDES": json.dumps(overrides)})
        self.addCleanup(process.kill)
        return process

    def run_to_end(self, text, url=None):
        """(exit code, seconds)"""
        process = self.start(text, url)
        begun = time.monotonic()
        self.eventually(lambda: not process.running(), 30, "the process ends")
        return process.exit_code(), time.monotonic() - begun

    def pushed(self):
        """By family, the value of its only series at the gateway."""
        group = self.gateway.group("photo-api", self.id())
        return {name: float(family["metrics"][0]["value"]) for name, family in (group or {}).items()
                if name in ("work_total", "of_sync", "of_async")}

    def test_a_process_that_has_nothing_more_to_do_ends_after_its_last_push(self):
        code, _ = self.run_to_end("setTimeout(() => c.inc(), 50);")
        self.assertEqual((code, self.pushed()), (0, {"work_total": 101, "of_sync": 5, "of_async": 6}))

    def test_process_exit_pushes_with_the_collectors_that_need_no_loop(self):
        code, _ = self.run_to_end("c.inc(); process.exit(7);")
        pushed = self.pushed()
        self.assertEqual((code, pushed["work_total"], pushed["of_sync"]), (7, 101, 5))

    def test_process_exit_pushes_what_an_asynchronous_collector_said_last(self):
        code, _ = self.run_to_end("plugin.metrics().then(() => { c.inc(); process.exit(7); });")
        self.assertEqual((code, self.pushed()), (7, {"work_total": 101, "of_sync": 5, "of_async": 6}))

    def test_an_exception_that_nobody_catches_ends_it_with_a_push(self):
        code, _ = self.run_to_end("setTimeout(() => { throw new Error('x'); }, 20);")
        self.assertEqual((code, self.pushed().get("work_total")), (1, 100))

    def test_a_stop_by_the_application_on_a_signal(self):
        process = self.start("""
            const timer = setInterval(() => {}, 1000);
            process.once('SIGTERM', async () => { c.inc(); await plugin.stop(); clearInterval(timer); });
            console.log('ready');""")
        process.wait_log("^ready")
        self.assertEqual(process.stop(signal.SIGTERM), 0)
        self.assertEqual(self.pushed(), {"work_total": 101, "of_sync": 5, "of_async": 6})

    def test_process_exit_during_a_stop_waits_for_it(self):
        code, _ = self.run_to_end("plugin.stop(); setImmediate(() => process.exit(3));")
        self.assertEqual((code, self.pushed().get("work_total")), (3, 100))

    def test_a_gateway_that_does_not_answer_holds_the_end_for_the_timeout_only(self):
        gateway = self.fake(FakeGateway(hanging=True))
        for text in ("", "process.exit(0);"):
            code, seconds = self.run_to_end(text, gateway.url)
            self.assertEqual(code, 0)
            self.assertLess(seconds, 12)

    def test_a_closed_plugin_lets_the_process_end_at_once(self):
        code, _ = self.run_to_end("plugin.close();")
        self.assertEqual((code, self.pushed().get("work_total")), (0, 100))

    def test_a_kill_pushes_nothing(self):
        process = self.start("setInterval(() => {}, 1000); console.log('ready');")
        process.wait_log("^ready")
        process.kill()
        self.assertLessEqual(self.pushed().get("work_total", 0), 100)

    def test_push_now_pushes_and_says_what_is_wrong(self):
        code, _ = self.run_to_end("""
            (async () => {
              await plugin.pushNow();
              c.inc();
              await plugin.stop();
              await plugin.pushNow().then(() => process.exit(9), (error) => {
                process.exitCode = error instanceof promplug.StateError ? 0 : 8;
              });
            })();""")
        self.assertEqual((code, self.pushed().get("work_total")), (0, 101))


if __name__ == "__main__":
    unittest.main()
