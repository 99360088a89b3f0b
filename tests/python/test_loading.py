# SPDX-License-Identifier: MIT
"""Loading, binding, starting, stopping, closing: what the plugin object promises."""
import gc
import logging
import os
import socket
import subprocess
import threading
import unittest

import promplug
from promplug import _callbacks
from stack.process import free_port
from support import PLUGIN, ROOT, WAIT_SECONDS, PluginCase, exposition, sample


class LoadTest(PluginCase):
    def test_a_missing_file_is_an_error_that_names_it(self):
        missing = str(self.directory() / "promplug.so")
        with self.assertRaisesRegex(promplug.LoadError, missing):
            promplug.load(missing)

    def test_what_is_no_plugin_is_an_error_that_names_it(self):
        folder = self.directory()
        broken, other = folder / "broken.so", folder / "other.so"
        broken.write_bytes(b"\x7fELF, but not really")
        source = folder / "other.c"
        source.write_text("int something_else;\n", encoding="utf-8")
        subprocess.run([os.environ.get("CC", "cc"), "-shared", "-fPIC", source, "-o", other], check=True)
        for path in (broken, other):
            with self.subTest(path.name), self.assertRaisesRegex(promplug.LoadError, str(path)):
                promplug.load(str(path))

    def test_a_plugin_of_another_abi_is_refused_in_its_own_words(self):
        folder = self.directory()
        source, plugin = folder / "future.c", folder / "future.so"
        source.write_text(
            "#include <promplug/promplug.h>\n#include <string.h>\n"
            "const promplug_api *promplug_entry(promplug_handshake *hs) {\n"
            "  hs->result = PROMPLUG_E_VERSION;\n"
            '  strcpy(hs->text, "this plugin serves ABI 9.9");\n  return NULL;\n}\n', encoding="utf-8")
        subprocess.run([os.environ.get("CC", "cc"), "-shared", "-fPIC", "-I",
                        ROOT / "host_api/include", source, "-o", plugin], check=True)
        with self.assertRaisesRegex(promplug.LoadError, "serves ABI 9.9"):
            promplug.load(str(plugin))

    def test_the_environment_names_the_plugin(self):
        code, said, log = self.script("""
            with promplug.load() as plugin:
                print(plugin.status().state, plugin.version)
        """)
        self.assertEqual(code, 0, log)
        self.assertRegex(said, r"^running \d+\.\d+")

    def test_without_any_plugin_the_error_says_what_to_do(self):
        code, _, log = self.script("""
            promplug.load()
        """, PROMPLUG_PLUGIN="")
        self.assertEqual(code, 1)
        self.assertIn("LoadError: no promplug.so: give its path, or set PROMPLUG_PLUGIN", log)

    def test_a_bad_configuration_is_an_error_that_names_file_line_and_key(self):
        path = self.directory() / "promplug.yml"
        path.write_text("scrape:\n  compression: perhaps\n", encoding="utf-8")
        with self.assertRaisesRegex(promplug.ConfigError, rf"{path}.*2.*compression"):
            promplug.load(PLUGIN, str(path), environment=False, default=False)
        with self.assertRaisesRegex(promplug.ConfigError, "no.such.key"):
            self.load({"no.such.key": "x"})

    def test_a_second_default_plugin_is_refused(self):
        first = self.load(default=True)
        with self.assertRaises(promplug.StateError):
            self.load(default=True)
        self.assertIs(promplug.default_plugin(), first)
        first.close()
        self.assertIsNone(promplug.default_plugin())

    def test_a_busy_port_is_logged_and_the_rest_runs(self):
        with socket.socket() as busy, self.assertLogs("promplug", logging.WARNING) as logs:
            busy.bind(("127.0.0.1", 0))
            busy.listen()
            port = busy.getsockname()[1]
            plugin = self.load({"scrape.listen": f"127.0.0.1:{port}"})
            self.assertEqual(plugin.status().state, "running")
            self.assertIn("promplug_", exposition(self.load({"self_metrics": "true"})))
        self.assertIn(str(port), "\n".join(logs.output))
        self.assertFalse(plugin.status().listening)

    def test_the_listener_is_left_out_where_the_host_says_so(self):
        plugin = self.load({"scrape.listen": f"127.0.0.1:{free_port()}"}, listener=False)
        self.assertEqual(plugin.status().listen_port, 0)


class LifeTest(PluginCase):
    def test_the_states_follow_the_calls(self):
        plugin = self.load(start=False)
        seen = [plugin.status().state]
        for call in (plugin.start, plugin.start, plugin.stop, plugin.start, plugin.close, plugin.close):
            call()
            seen.append(plugin.status().state)
        self.assertEqual(seen, ["created", "running", "running", "stopped", "running", "closed", "closed"])
        for call in (plugin.start, plugin.reload, plugin.push_now, plugin.last_error):
            with self.subTest(call.__name__), self.assertRaises(promplug.StateError):
                call()

    def test_a_reload_takes_the_whole_file_or_nothing(self):
        path = self.directory() / "promplug.yml"
        path.write_text("scrape: {path: /one}\n", encoding="utf-8")
        plugin = self.load(config_path=str(path))

        def answers():
            return [promplug.handle_request(plugin, path=p) is not None for p in ("/one", "/two")]

        self.assertEqual(answers(), [True, False])
        path.write_text("scrape: {path: /two}\n", encoding="utf-8")
        plugin.reload()
        self.assertEqual(answers(), [False, True])
        path.write_text("scrape: {pfad: /three}\n", encoding="utf-8")
        with self.assertRaisesRegex(promplug.ConfigError, "pfad"):
            plugin.reload()
        self.assertEqual(answers(), [False, True])

    def test_a_push_that_is_off_is_a_state_error_and_one_that_fails_says_why(self):
        with self.assertRaises(promplug.StateError):
            self.load().push_now()
        port = free_port()
        plugin = self.load({"pushgateway.url": f"http://127.0.0.1:{port}", "forward": "[]",
                            "pushgateway.instance": "x", "pushgateway.on_stop": "none"})
        with self.assertRaisesRegex(promplug.InputOutputError, str(port)):
            plugin.push_now(timeout=10)
        self.assertIn(str(port), plugin.last_error())
        self.assertTrue(plugin.status().push_failing)

    def test_its_lines_are_in_logging_at_their_levels(self):
        with self.assertLogs("promplug", logging.INFO) as logs:
            self.load()
        self.assertIn("INFO:promplug:Pushgateway disabled", logs.output[0])
        with self.assertLogs("of.the.host", logging.INFO):
            self.load(logger=logging.getLogger("of.the.host"))

    def test_a_scrape_that_is_refused_is_an_error_and_no_exposition(self):
        plugin = self.load({"scrape.max_requests_in_flight": "1", "scrape.timeout_seconds": "30"})
        entered, let_go = threading.Event(), threading.Event()
        self.addCleanup(let_go.set)

        def hang():
            entered.set()
            let_go.wait(WAIT_SECONDS)
            return ()

        promplug.register_collector("hang", hang, plugin, timeout=WAIT_SECONDS)
        first = threading.Thread(target=exposition, args=(plugin,))
        first.start()
        entered.wait(WAIT_SECONDS)
        with self.assertRaisesRegex(promplug.Error, "503"):
            exposition(plugin)
        let_go.set()
        first.join()

    def test_many_load_and_stop_cycles_leave_no_descriptor_and_no_thread(self):
        def cycle():
            with self.load({"scrape.listen": "127.0.0.1:0"}) as plugin:
                counter = promplug.Counter("cycles", "x", ["k"], plugin=plugin)
                counter.labels("v").inc()
                promplug.register_collector("c", lambda: [("m", "gauge", "x", [({}, 1)])], plugin)
                self.assertEqual(sample(exposition(plugin), "cycles_total", k="v"), 1)
                self.assertEqual(sample(exposition(plugin), "m"), 1)

        def measure():
            gc.collect()
            return len(os.listdir("/proc/self/fd")), len(os.listdir("/proc/self/task"))

        cycle()
        before, kept = measure(), len(_callbacks._objects)
        for _ in range(30):
            cycle()
        self.assertEqual(measure(), before)
        self.assertEqual(len(_callbacks._objects), kept)

    def test_an_instrument_that_outlives_its_plugin_does_no_harm(self):
        plugin = self.load()
        counter = promplug.Counter("a", "x", ["k"], plugin=plugin)
        held = counter.labels("v")
        held.inc()
        plugin.close()
        for _ in range(3):
            held.inc()
            counter.labels("new").inc(2)
        del plugin, counter, held
        gc.collect()


class BindingTest(PluginCase):
    """Each runs in a process of its own: instruments without plugin= live as long as that."""

    def run_script(self, text):
        code, said, log = self.script(text)
        self.assertEqual(code, 0, log)
        return said

    def test_what_is_counted_before_the_plugin_is_loaded_is_not_lost(self):
        said = self.run_script("""
            counter = promplug.Counter("c", "x", ["k"])
            counter.labels("a").inc(); counter.labels("a").inc(2.5); counter.labels("b").inc(1, {"t": "1"})
            gauge = promplug.Gauge("g", "x"); gauge.set(7); gauge.inc(); gauge.dec(3)
            histogram = promplug.Histogram("h", "x", buckets=(0.1, 0.3, 1))
            for value in (0.1, 0.1, 0.1, 0.3, 0.2, 5): histogram.observe(value)
            summary = promplug.Summary("s", "x"); summary.observe(2); summary.observe(4)
            info = promplug.Info("i", "x"); info.info({"v": "1"})
            enum = promplug.Enum("e", "x", states=["p", "q"]); enum.state("q")
            asked = promplug.Gauge("f", "x"); asked.set_function(lambda: 42)
            promplug.register_collector("col", lambda: [("m", "gauge", "x", [({}, 3)])])
            nan = promplug.Counter("n", "x"); nan.inc(float("nan")); nan.inc(2)
            with promplug.load() as plugin:
                counter.labels("a").inc()
                gauge.inc()
                histogram.observe(0.05)
                print(promplug.generate_latest().decode())
        """)
        wanted = {("c_total", "a"): 4.5, ("c_total", "b"): 1}
        for (name, label), number in wanted.items():
            self.assertEqual(sample(said, name, k=label), number)
        for name, number in {"g": 6, "h_count": 7, "s_count": 2, "s_sum": 6, "f": 42, "m": 3,
                             "n_total": 2}.items():
            self.assertEqual(sample(said, name), number, name)
        self.assertAlmostEqual(sample(said, "h_sum"), 5.85)
        buckets = [sample(said, "h_bucket", le=le) for le in (0.1, 0.3, 1.0, float("inf"))]
        self.assertEqual(buckets, [4, 6, 6, 7])
        self.assertEqual(sample(said, "i_info", v="1"), 1)
        self.assertEqual((sample(said, "e", e="p"), sample(said, "e", e="q")), (0, 1))

    def test_many_observations_before_the_load_are_handed_over_exactly_and_very_many_up_to_a_limit(self):
        # The limit is lower here; what is handed over in slices has a rest in each.
        code, said, log = self.script("""
            from promplug import _instance
            _instance._MAX_REPLAYED = 100000
            histogram = promplug.Histogram("h", "x", ["k"], buckets=(0.1, 0.3, 1))
            summary = promplug.Summary("s", "x"); late = promplug.Histogram("z", "x")
            for number in range(9000):
                histogram.labels("exact").observe(0.2 if number % 3 else 0.05)
            for number in range(120000):
                summary.observe(7)
            late.observe(1)
            with promplug.load() as plugin:
                late.observe(2)
                print(promplug.generate_latest().decode())
        """)
        self.assertEqual(code, 0, log)
        buckets = [sample(said, "h_bucket", k="exact", le=le) for le in (0.1, 0.3, 1.0, float("inf"))]
        self.assertEqual(buckets, [3000, 9000, 9000, 9000])
        self.assertAlmostEqual(sample(said, "h_sum", k="exact"), 3000 * 0.05 + 6000 * 0.2, 6)
        self.assertEqual((sample(said, "s_count"), sample(said, "s_sum")), (91000, 7 * 91000))
        self.assertEqual(sample(said, "z_count"), 1, "what comes after the load is counted")
        self.assertEqual(log.count("more than 100000 observations before the plugin was loaded"), 1, log)

    def test_what_is_beyond_the_limit_is_taken_from_each_bucket_alike(self):
        said = self.run_script("""
            histogram = promplug.Histogram("h", "x", buckets=(1, 2))
            # As after as many calls of observe(), which would take minutes.
            histogram._pending.buckets = [[20_000_000, 1e7, .5, .5], [50_000_000, 75e6, 1.5, 1.5], [30_000_000, 9e7, 3, 3]]
            with promplug.load() as plugin:
                print(promplug.generate_latest().decode())
        """)
        self.assertEqual([sample(said, "h_bucket", le=le) for le in (1.0, 2.0, float("inf"))],
                         [2_000_000, 7_000_000, 10_000_000])

    def test_nothing_is_lost_and_nothing_counted_twice_while_threads_count_through_a_load(self):
        said = self.run_script("""
            counter, gauge = promplug.Counter("c", "x"), promplug.Gauge("g", "x")
            histogram = promplug.Histogram("h", "x")
            halfway = threading.Barrier(5)
            def count():
                for number in range(20000):
                    if number == 1000: halfway.wait()
                    counter.inc(); gauge.inc(); histogram.observe(1)
            sys.setswitchinterval(1e-5)
            threads = [threading.Thread(target=count) for _ in range(4)]
            for thread in threads: thread.start()
            halfway.wait()
            with promplug.load() as plugin:
                for thread in threads: thread.join()
                print(promplug.generate_latest().decode())
        """)
        for name in ("c_total", "g", "h_count", "h_sum"):
            self.assertEqual(sample(said, name), 80000, name)

    def test_after_a_close_the_next_plugin_takes_over(self):
        said = self.run_script("""
            counter = promplug.Counter("c", "x"); enum = promplug.Enum("e", "x", states=["p", "q"])
            promplug.register_collector("col", lambda: [("m", "gauge", "x", [({}, 3)])])
            promplug.load().close()
            enum.state("q")
            counter.inc(5)
            with promplug.load() as plugin:
                counter.inc()
                print(promplug.generate_latest().decode())
        """)
        self.assertEqual(sample(said, "c_total"), 6)
        self.assertEqual(sample(said, "m"), 3)
        self.assertEqual(sample(said, "e", e="q"), 1)

    def test_what_the_plugin_refuses_at_load_is_logged_and_the_rest_is_exposed(self):
        code, said, log = self.script("""
            one = promplug.Counter("c", "x", ["k"]); two = promplug.Counter("c", "x", ["other"])
            three = promplug.Counter("d", "x"); two.labels("v").inc(); three.inc()
            with promplug.load() as plugin:
                two.labels("v").inc()
                print(promplug.generate_latest().decode())
        """)
        self.assertEqual(code, 0, log)
        self.assertEqual(sample(said, "d_total"), 1)
        self.assertRegex(log, r"ERROR:promplug:Counter\(c\) is not exposed: .*c_total")

    def test_the_end_of_the_process_stops_it(self):
        code, said, log = self.script("""
            plugin = promplug.load()
            print(plugin.status().state)
            sys.exit(7)
        """)
        self.assertEqual((code, said), (7, "running\n"), log)

    def test_the_wait_for_a_blocking_scrape_leaves_the_other_threads_alone(self):
        said = self.run_script("""
            inside, go_on = threading.Event(), threading.Event()
            def slow():
                inside.set()
                go_on.wait(20)
                return [("m", "gauge", "x", [({}, 1)])]
            promplug.register_collector("slow", slow, timeout=30)
            with promplug.load(overrides={"scrape.timeout_seconds": "30"}) as plugin:
                answer = []
                thread = threading.Thread(target=lambda: answer.append(promplug.generate_latest()))
                thread.start()
                # This thread runs while that one waits in the plugin; without it nobody would set.
                inside.wait(20)
                go_on.set()
                thread.join(20)
                print(answer[0].decode())
        """)
        self.assertEqual(sample(said, "m"), 1)


if __name__ == "__main__":
    unittest.main()
