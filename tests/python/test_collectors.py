# SPDX-License-Identifier: MIT
"""Collectors in Python, good and bad, and the bridge from prometheus_client."""
import logging
import threading
import unittest

import prometheus_client
import promplug
from prometheus_client.core import (CounterMetricFamily, GaugeHistogramMetricFamily,
                                    GaugeMetricFamily, HistogramMetricFamily, InfoMetricFamily,
                                    StateSetMetricFamily, SummaryMetricFamily, UnknownMetricFamily)
from prometheus_client.samples import Exemplar
from support import WAIT_SECONDS, PluginCase, exposition, read_samples, sample
from stack.process import wait_until


def tuples(name, value=1):
    return [(name, "gauge", "x", [({}, value)])]


class CollectorTest(PluginCase):
    def test_a_function_says_families_as_tuples(self):
        plugin = self.load()

        @promplug.collector("albums", plugin)
        def albums():
            yield ("album_photos", "gauge", "Photos.", [({"album": 1}, 5), ({"album": 2}, 7.5)])
            yield ("album_reads_total", "counter", "Reads.", [({}, 3)])

        text = exposition(plugin)
        self.assertEqual(sample(text, "album_photos", album="2"), 7.5)
        self.assertEqual(sample(text, "album_reads_total"), 3)
        self.assertIn("# TYPE album_reads_total counter", text)
        self.assertIn("# HELP album_photos Photos.", text)

    def test_an_object_with_collect_says_the_families_of_prometheus_client(self):
        class Things:
            def collect(self):
                gauge = GaugeMetricFamily("things", "x", labels=["k"])
                gauge.add_metric(["a"], 4, timestamp=1700000000.5)
                yield gauge
                yield CounterMetricFamily("made", "x", value=9)
                yield SummaryMetricFamily("took", "x", count_value=3, sum_value=1.5)
                yield UnknownMetricFamily("odd", "x", value=-1)
                yield InfoMetricFamily("build", "x", value={"v": "1"})
                yield StateSetMetricFamily("mode", "x", value={"on": True, "off": False})
                yield HistogramMetricFamily("size", "x", buckets=[("1", 2), ("+Inf", 5)], sum_value=8)
                yield GaugeHistogramMetricFamily("age", "x", buckets=[("1", 1), ("+Inf", 4)], gsum_value=6)

        plugin = self.load()
        promplug.register_collector("things", Things(), plugin)
        text = exposition(plugin)
        wanted = {("things", ("k", "a")): 4, ("made_total",): 9, ("took_count",): 3, ("took_sum",): 1.5,
                  ("odd",): -1, ("build_info", ("v", "1")): 1, ("mode", ("mode", "on")): 1,
                  ("mode", ("mode", "off")): 0, ("size_bucket", ("le", 1.0)): 2, ("size_count",): 5,
                  ("size_sum",): 8}
        found = read_samples(text)
        for (name, *labels), value in wanted.items():
            self.assertEqual(found.get((name, tuple(labels))), value, name)
        self.assertIn('things{k="a"} 4 1700000000500', text)
        gathered = {f.name: f for f in promplug.gather(plugin)}
        self.assertEqual(gathered["age"].type, "gaugehistogram")
        self.assertEqual((gathered["age"].points[0].count, gathered["age"].points[0].sum), (4, 6))

    def test_what_raises_costs_its_own_part_and_is_told_once(self):
        plugin = self.load()
        promplug.register_collector("good", lambda: tuples("good"), plugin)
        promplug.register_collector("bad", lambda: 1 // 0, plugin)

        def late():
            yield from tuples("begun")
            raise KeyboardInterrupt("not ours to take")

        promplug.register_collector("late", late, plugin)
        with self.assertLogs("promplug", logging.ERROR) as logs:
            for _ in range(3):
                text = exposition(plugin)
        self.assertEqual(sample(text, "good"), 1)
        self.assertIsNone(sample(text, "begun"), "the output counts whole or not at all")
        told = [line for line in logs.output if "Collector(bad) failed" in line]
        self.assertEqual(len(told), 1, logs.output)
        self.assertIn("ZeroDivisionError", told[0])
        self.assertGreaterEqual(plugin.status().collector_failures, 6)

    def test_what_makes_no_sense_is_left_out_and_the_rest_counts(self):
        plugin = self.load()

        def collect():
            yield ("", "gauge", "x", [({}, 1)])
            yield ("good", "gauge", "x", [({"": "x"}, 1), ({"k": "v"}, 2)])

        promplug.register_collector("mixed", collect, plugin)
        self.assertEqual(read_samples(exposition(plugin)), {("good", (("k", "v"),)): 2})

    def test_a_type_that_is_not_known_is_told(self):
        plugin = self.load()
        promplug.register_collector("odd", lambda: [("a", "thermometer", "x", [])], plugin)
        with self.assertLogs("promplug", logging.ERROR) as logs:
            exposition(plugin)
        self.assertIn("thermometer", "\n".join(logs.output))

    def test_one_that_hangs_is_left_out_at_its_deadline_and_comes_back(self):
        plugin = self.load()
        let_go, entered = threading.Event(), threading.Event()
        self.addCleanup(let_go.set)

        def hanging():
            entered.set()
            let_go.wait(WAIT_SECONDS)
            return tuples("hanging")

        promplug.register_collector("hanging", hanging, plugin, timeout=0.05)
        promplug.register_collector("other", lambda: tuples("other"), plugin)
        text = exposition(plugin)
        self.assertTrue(entered.is_set())
        self.assertIsNone(sample(text, "hanging"))
        self.assertEqual(sample(text, "other"), 1)
        self.assertTrue(plugin.status().collector_stuck)
        let_go.set()
        wait_until(lambda: sample(exposition(plugin), "hanging") == 1, WAIT_SECONDS, "it is back")

    def test_unregister_waits_for_the_running_call(self):
        plugin = self.load()
        entered, let_go, left = threading.Event(), threading.Event(), []

        def collect():
            entered.set()
            let_go.wait(WAIT_SECONDS)
            left.append(True)
            return ()

        registration = promplug.register_collector("c", collect, plugin, timeout=WAIT_SECONDS)
        scrape = threading.Thread(target=exposition, args=(plugin,))
        scrape.start()
        entered.wait(WAIT_SECONDS)
        with self.assertRaises(promplug.TimedOut):
            registration.unregister(timeout=0.01)
        let_go.set()
        registration.unregister(timeout=WAIT_SECONDS)
        self.assertEqual(left, [True])
        scrape.join()
        exposition(plugin)
        self.assertEqual(left, [True])

    def test_a_name_that_is_taken_is_refused_until_it_is_free(self):
        plugin = self.load()
        first = promplug.register_collector("c", lambda: tuples("one"), plugin)
        with self.assertRaisesRegex(promplug.Error, "c"):
            promplug.register_collector("c", lambda: tuples("two"), plugin)
        first.unregister()
        promplug.register_collector("c", lambda: tuples("two"), plugin)
        self.assertEqual(read_samples(exposition(plugin)), {("two", ()): 1})

    def test_a_collector_may_update_instruments_and_make_series_but_not_scrape(self):
        plugin = self.load()
        counter = promplug.Counter("runs", "x", ["k"], plugin=plugin)

        def collect():
            counter.labels("new").inc()
            with self.assertRaises(promplug.StateError):
                exposition(plugin)
            plugin.status()
            return tuples("m")

        promplug.register_collector("c", collect, plugin)
        self.assertEqual(sample(exposition(plugin), "m"), 1)
        self.assertEqual(sample(exposition(plugin), "runs_total", k="new"), 2)

    def test_the_last_output_is_used_again_where_the_collector_asks_for_it(self):
        plugin = self.load()
        calls = []
        promplug.register_collector("c", lambda: calls.append(1) or tuples("m"), plugin, min_interval=3600)
        for _ in range(3):
            self.assertEqual(sample(exposition(plugin), "m"), 1)
        self.assertEqual(len(calls), 1)


class BridgeTest(PluginCase):
    def setUp(self):
        self.registry = prometheus_client.CollectorRegistry()
        self.plugin = self.load()

    def bridge(self, **options):
        return promplug.bridge(self.registry, self.plugin, **options)

    def fill(self):
        counter = prometheus_client.Counter("reads", "Reads.", ["k"], unit="bytes", registry=self.registry)
        counter.labels("a").inc(3)
        counter.labels('b"\\\n').inc(1.5, {"trace_id": "c1"})
        prometheus_client.Gauge("level", "x", registry=self.registry).set(-2.25)
        histogram = prometheus_client.Histogram("took", "x", ["k"], buckets=(0.1, 1), unit="seconds",
                                                registry=self.registry)
        for value in (0.05, 0.5, 0.5, 7):
            histogram.labels("a").observe(value)
        histogram.labels("a").observe(0.7, {"trace_id": "h1"})
        prometheus_client.Histogram("idle", "x", buckets=(1, 2), registry=self.registry)
        summary = prometheus_client.Summary("sizes", "x", registry=self.registry)
        summary.observe(2)
        prometheus_client.Info("build", "x", registry=self.registry).info({"v": "1", "by": "me"})
        prometheus_client.Enum("mode", "x", states=["on", "off"], registry=self.registry).state("off")

    def test_everything_reads_as_in_the_exposition_of_prometheus_client(self):
        self.fill()
        self.bridge()
        wanted = read_samples(prometheus_client.generate_latest(self.registry).decode())
        created = {key for key in wanted if key[0].endswith("_created")}
        self.assertEqual(len(created), 5)
        found = read_samples(exposition(self.plugin))
        self.assertEqual(found, {k: v for k, v in wanted.items() if k not in created})

    def test_types_units_exemplars_and_created_times_come_over(self):
        self.fill()
        self.bridge()
        found = {f.name: f for f in promplug.gather(self.plugin)}
        kinds = {name: f.type for name, f in found.items()}
        self.assertEqual(kinds, {"reads_bytes_total": "counter", "level": "gauge", "idle": "histogram",
                                 "took_seconds": "histogram", "sizes": "summary",
                                 "build_info": "info", "mode": "stateset"})
        self.assertEqual(found["reads_bytes_total"].unit, "bytes")
        self.assertEqual(found["reads_bytes_total"].points[1].exemplars, [({"trace_id": "c1"}, 1.5)])
        self.assertEqual(found["took_seconds"].points[0].exemplars, [({"trace_id": "h1"}, 0.7)])
        self.assertGreater(found["took_seconds"].points[0].created, 1.6e9)

    def test_the_process_metrics_of_prometheus_client_are_left_to_the_plugin(self):
        prometheus_client.ProcessCollector(registry=self.registry)
        prometheus_client.PlatformCollector(registry=self.registry)
        names = {f.name for f in self.registry.collect()}
        self.assertIn("process_open_fds", names)
        bridge = self.bridge()
        text = exposition(self.plugin)
        self.assertIn("python_info", text)
        self.assertNotIn("process_open_fds", text)
        bridge.unregister()
        self.bridge(process_metrics=True)
        self.assertIn("process_open_fds", exposition(self.plugin))

    def test_an_odd_collector_of_the_registry_costs_nothing_else(self):
        class Odd:
            def collect(self):
                family = HistogramMetricFamily("odd", "x")
                family.add_sample("odd_bucket", {"le": "1"}, 5, exemplar=Exemplar({"t": "1"}, 0.5))
                family.add_sample("odd_bucket", {"le": "+Inf"}, 4)
                yield family
                yield CounterMetricFamily("nothing", "x", labels=["k"])
                yield GaugeMetricFamily("fine", "x", value=2)

        self.registry.register(Odd())
        self.bridge()
        self.assertEqual(read_samples(exposition(self.plugin)), {("fine", ()): 2})


if __name__ == "__main__":
    unittest.main()
