# SPDX-License-Identifier: MIT
"""Counter, Gauge, Histogram, Summary, Info and Enum behave as those of prometheus_client."""
import asyncio
import decimal
import math
import threading
import time
import unittest

import prometheus_client
import promplug
from support import PluginCase, exposition, read_samples, sample


class InstrumentsTest(PluginCase):
    def setUp(self):
        self.plugin = self.load()

    def make(self, kind, *args, **kwargs):
        return kind(*args, plugin=self.plugin, **kwargs)

    def shown(self, name, **labels):
        return sample(exposition(self.plugin), name, **labels)

    # ---- counter ------------------------------------------------------------------------------

    def test_a_counter_is_exposed_with_total_whatever_its_name(self):
        self.make(promplug.Counter, "a", "x").inc()
        self.make(promplug.Counter, "b_total", "x").inc(2.5)
        self.make(promplug.Counter, "read", "x", namespace="app", subsystem="disk", unit="bytes").inc(7)
        self.assertEqual(self.shown("a_total"), 1)
        self.assertEqual(self.shown("b_total"), 2.5)
        self.assertEqual(self.shown("app_disk_read_bytes_total"), 7)

    def test_a_counter_refuses_to_go_down(self):
        counter = self.make(promplug.Counter, "a", "x")
        with self.assertRaises(ValueError):
            counter.inc(-1)
        with self.assertRaises(ValueError):
            counter.inc(-1, {"a": "b"})
        self.assertEqual(self.shown("a_total"), 0)

    def test_amounts_of_every_size_and_kind_are_added(self):
        counter = self.make(promplug.Counter, "a", "x")
        for number in range(3000):  # more than are remembered
            counter.inc(number)
            counter.inc(number / 4)
        counter.inc(math.nan)
        counter.inc(True)
        counter.inc(0)
        counter.inc(decimal.Decimal("0.5"))
        self.assertEqual(self.shown("a_total"), sum(range(3000)) * 1.25 + 1.5)
        for number in range(3):
            with self.assertRaises(ValueError):
                counter.inc(-number - 1)

    def test_an_amount_that_has_no_hash_is_added(self):
        class Boxed:
            __hash__ = None

            def __lt__(self, other):
                return 2.5 < other

            def __float__(self):
                return 2.5

        self.make(promplug.Counter, "a", "x").inc(Boxed())
        self.assertEqual(self.shown("a_total"), 2.5)

    def test_an_amount_that_is_no_number_is_a_type_error(self):
        with self.assertRaises(TypeError):
            self.make(promplug.Counter, "a", "x").inc("many")
        with self.assertRaises(TypeError):
            self.make(promplug.Gauge, "b", "x").set(None)

    def test_exceptions_are_counted_and_let_through(self):
        counter = self.make(promplug.Counter, "errors", "x")

        @counter.count_exceptions(ValueError)
        def work(error):
            raise error

        for error in (ValueError("counted"), UnicodeError("counted"), KeyError("another")):
            with self.assertRaises(type(error)):
                work(error)
        with self.assertRaises(KeyError), counter.count_exceptions((KeyError, OSError)):
            raise KeyError()
        self.assertEqual(self.shown("errors_total"), 3)

    def test_increments_of_many_threads_are_all_counted(self):
        counter = self.make(promplug.Counter, "a", "x")
        histogram = self.make(promplug.Histogram, "h", "x")

        def count():
            for _ in range(5000):
                counter.inc()
                histogram.observe(1)

        threads = [threading.Thread(target=count) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(self.shown("a_total"), 20000)
        self.assertEqual(self.shown("h_count"), 20000)

    # ---- gauge --------------------------------------------------------------------------------

    def test_a_gauge_goes_up_and_down(self):
        gauge = self.make(promplug.Gauge, "g", "x")
        gauge.set(4.5)
        gauge.inc()
        gauge.inc(0.5)
        gauge.dec()
        gauge.dec(10)
        self.assertEqual(self.shown("g"), -5)

    def test_a_gauge_takes_the_current_time_and_a_duration(self):
        gauge = self.make(promplug.Gauge, "g", "x")
        gauge.set_to_current_time()
        self.assertAlmostEqual(self.shown("g"), time.time(), delta=60)
        with gauge.time():
            pass
        self.assertLess(self.shown("g"), 60)

    def test_in_progress_is_counted_in_blocks_functions_and_coroutines(self):
        gauge = self.make(promplug.Gauge, "g", "x")
        seen = []

        @gauge.track_inprogress()
        def plain(depth=0):
            seen.append(self.shown("g"))
            if depth:
                plain(depth - 1)

        @gauge.track_inprogress()
        async def asynchronous():
            await asyncio.sleep(0)
            seen.append(self.shown("g"))

        plain(1)
        asyncio.run(asynchronous())
        with gauge.track_inprogress():
            seen.append(self.shown("g"))
        self.assertEqual(seen, [1, 2, 1, 1])
        self.assertEqual(self.shown("g"), 0)

    def test_a_function_is_asked_for_the_value_at_each_scrape(self):
        values = iter((3, 4))
        gauge = self.make(promplug.Gauge, "g", "x", ["k"])
        gauge.labels("plain").set(1)
        gauge.labels("asked").set_function(lambda: next(values))
        gauge.labels("asked").set(99)
        self.assertEqual(self.shown("g", k="asked"), 3)
        self.assertEqual(self.shown("g", k="asked"), 4)
        self.assertIsNone(self.shown("g", k="asked"), "what raises is left out")
        self.assertEqual(self.shown("g", k="plain"), 1)

    def test_a_function_can_be_replaced_and_removed(self):
        gauge = self.make(promplug.Gauge, "g", "x", ["k"])
        gauge.labels("a").set_function(lambda: 1)
        gauge.labels("a").set_function(lambda: 2)
        self.assertEqual(self.shown("g", k="a"), 2)
        gauge.remove("a")
        self.assertIsNone(self.shown("g", k="a"))
        gauge.labels("a").set(3)
        self.assertEqual(self.shown("g", k="a"), 3)

    # ---- histogram and summary ----------------------------------------------------------------

    def test_a_histogram_counts_as_that_of_prometheus_client(self):
        registry = prometheus_client.CollectorRegistry()
        values = [0, 0.001, 0.005, 0.0050001, 0.3, 0.3, 2.5, 7, 10, 11, 1e9, -3]
        for buckets in (promplug.Histogram.DEFAULT_BUCKETS, (0.1, 1, 10), (5,), ("1", "+Inf")):
            with self.subTest(buckets):
                name = f"h_{len(buckets)}_{float(buckets[0]):.0f}"
                ours = self.make(promplug.Histogram, name, "x", buckets=buckets)
                theirs = prometheus_client.Histogram(name, "x", buckets=buckets, registry=registry)
                for value in values:
                    ours.observe(value)
                    theirs.observe(value)
        wanted = read_samples(prometheus_client.generate_latest(registry).decode())
        created = {key for key in wanted if key[0].endswith("_created")}
        found = read_samples(exposition(self.plugin))
        self.assertEqual(found.keys(), wanted.keys() - created)
        for key, value in found.items():
            self.assertAlmostEqual(value, wanted[key], msg=str(key))

    def test_a_histogram_refuses_buckets_that_make_no_sense(self):
        for buckets in ((2, 1), (), (math.inf,)):
            with self.subTest(buckets), self.assertRaises(ValueError):
                self.make(promplug.Histogram, "h", "x", buckets=buckets)

    def test_times_are_observed_in_blocks_functions_and_coroutines(self):
        for kind in (promplug.Histogram, promplug.Summary):
            with self.subTest(kind.__name__):
                metric = self.make(kind, kind.__name__.lower(), "x")

                @metric.time()
                def plain(depth):
                    return depth and plain(depth - 1)

                @metric.time()
                async def asynchronous():
                    return "result"

                with metric.time():
                    plain(2)
                self.assertEqual(asyncio.run(asynchronous()), "result")
                self.assertEqual(self.shown(metric.name + "_count"), 5)
                self.assertLess(self.shown(metric.name + "_sum"), 60)

    def test_a_timer_takes_its_labels_at_the_end(self):
        histogram = self.make(promplug.Histogram, "h", "x", ["k"])
        with histogram.time() as timer:
            timer.labels("late")
        self.assertEqual(self.shown("h_count", k="late"), 1)

    def test_a_summary_has_count_sum_and_the_quantiles_asked_for(self):
        summary = self.make(promplug.Summary, "s", "x", quantiles=(0.5, 0.9))
        for value in range(1, 101):
            summary.observe(value)
        self.assertEqual(self.shown("s_count"), 100)
        self.assertEqual(self.shown("s_sum"), 5050)
        self.assertAlmostEqual(self.shown("s", quantile=0.5), 50, delta=2)
        self.assertAlmostEqual(self.shown("s", quantile=0.9), 90, delta=2)

    def test_exemplars_are_kept_and_checked(self):
        counter = self.make(promplug.Counter, "a", "x")
        histogram = self.make(promplug.Histogram, "h", "x", buckets=(1, 2))
        counter.inc(3, {"trace_id": "c1"})
        histogram.observe(1.5, {"trace_id": "h1"})
        with self.assertRaises(ValueError):
            counter.inc(1, {"trace_id": "x" * 121})
        found = {f.name: f.points[0] for f in promplug.gather(self.plugin)}
        self.assertEqual(found["a_total"].exemplars, [({"trace_id": "c1"}, 3)])
        self.assertEqual(found["h"].exemplars, [({"trace_id": "h1"}, 1.5)])
        self.assertEqual(found["a_total"].value, 3)

    # ---- info and enum ------------------------------------------------------------------------

    def test_an_info_shows_the_last_texts(self):
        info = self.make(promplug.Info, "build", "x")
        info.info({"version": "1", "by": "me"})
        info.info({"version": "2", "by": "me"})
        self.assertEqual(self.shown("build_info", version="2", by="me"), 1)
        self.assertIsNone(self.shown("build_info", version="1", by="me"))

    def test_an_info_has_labels_of_its_own(self):
        info = self.make(promplug.Info, "disk", "x", ["device"])
        info.labels("sda").info({"model": "a"})
        info.labels("sdb").info({"model": "b"})
        self.assertEqual(self.shown("disk_info", device="sdb", model="b"), 1)
        with self.assertRaises(ValueError):
            info.labels("sda").info({"device": "x"})
        with self.assertRaises(ValueError):
            info.labels("sda").info({"serial": "x"})
        with self.assertRaises(ValueError):
            info.info({"model": "x"})
        info.remove("sda")
        self.assertIsNone(self.shown("disk_info", device="sda", model="a"))

    def test_an_enum_is_in_one_state(self):
        enum = self.make(promplug.Enum, "task", "x", states=["starting", "running"])
        self.assertEqual((self.shown("task", task="starting"), self.shown("task", task="running")), (1, 0))
        enum.state("running")
        self.assertEqual((self.shown("task", task="starting"), self.shown("task", task="running")), (0, 1))
        with self.assertRaises(ValueError):
            enum.state("flying")
        with self.assertRaises(ValueError):
            self.make(promplug.Enum, "none", "x")

    # ---- labels -------------------------------------------------------------------------------

    def test_labels_are_given_by_position_or_name_and_become_texts(self):
        counter = self.make(promplug.Counter, "a", "x", ["method", "status"])
        counter.labels("GET", 200).inc()
        counter.labels(status="200", method="GET").inc()
        counter.labels("GET", True).inc()
        self.assertIs(counter.labels("GET", 200), counter.labels("GET", "200"))
        self.assertEqual(self.shown("a_total", method="GET", status="200"), 2)
        self.assertEqual(self.shown("a_total", method="GET", status="True"), 1)

    def test_texts_of_all_kinds_come_out_as_they_went_in(self):
        gauge = self.make(promplug.Gauge, "g", 'h\\elp "x"\nmore', ["k"])
        for text in ("", " ", '"quoted"', "back\\slash", "line\nbreak", "\u00fcml\u00e4ut", "\U0001f4f7", "{}=,"):
            gauge.labels(text).set(len(text))
            self.assertEqual(self.shown("g", k=text), len(text), repr(text))

    def test_wrong_labels_are_value_errors(self):
        counter = self.make(promplug.Counter, "a", "x", ["m", "s"])
        plain = self.make(promplug.Counter, "b", "x")
        wrong = (lambda: counter.labels("one"), lambda: counter.labels("a", s="b"),
                 lambda: counter.labels(m="a", t="b"), lambda: plain.labels("a"),
                 lambda: counter.labels("a", "b").labels("c", "d"), counter.inc,
                 lambda: counter.inc(2.5), lambda: counter.inc(1, {"a": "b"}),
                 lambda: counter.remove("a"))
        for number, call in enumerate(wrong):
            with self.subTest(number), self.assertRaises(ValueError):
                call()

    def test_wrong_names_are_value_errors(self):
        wrong = (("0a", ()), ("a b", ()), ("", ()), ("a", ["0"]), ("a", ["__x"]), ("a", ["x", "x"]))
        for name, labels in wrong:
            with self.subTest(name=name, labels=labels), self.assertRaises(ValueError):
                self.make(promplug.Counter, name, "x", labels)
        for kind, label in ((promplug.Histogram, "le"), (promplug.Summary, "quantile")):
            with self.subTest(label), self.assertRaises(ValueError):
                self.make(kind, "a", "x", [label])

    def test_removed_series_are_gone_and_what_holds_them_counts_for_nothing(self):
        counter = self.make(promplug.Counter, "a", "x", ["k"])
        held, other = counter.labels("gone"), counter.labels("stays")
        held.inc()
        other.inc()
        counter.remove("gone")
        held.inc()
        self.assertIsNone(self.shown("a_total", k="gone"))
        self.assertEqual(self.shown("a_total", k="stays"), 1)
        with self.assertRaises(KeyError):
            counter.remove("gone")
        counter.labels("gone").inc()
        self.assertEqual(self.shown("a_total", k="gone"), 1)
        counter.clear()
        self.assertIsNone(self.shown("a_total", k="stays"))

    def test_two_instruments_of_one_name_and_shape_are_one(self):
        self.make(promplug.Counter, "a", "x", ["k"]).labels("v").inc()
        self.make(promplug.Counter, "a", "x", ["k"]).labels("v").inc()
        self.assertEqual(self.shown("a_total", k="v"), 2)

    def test_a_name_that_another_shape_has_is_refused_in_the_plugins_words(self):
        self.make(promplug.Counter, "a", "x", ["k"])
        with self.assertRaisesRegex(promplug.Error, "a_total"):
            self.make(promplug.Counter, "a", "x", ["other"])

    def test_series_over_the_limit_count_for_nothing_and_are_not_kept(self):
        plugin = self.load({"limits.max_series_per_family": "2"})
        counter = promplug.Counter("a", "x", ["k"], plugin=plugin)
        for number in range(1000):
            counter.labels(str(number)).inc()
        self.assertEqual(len(read_samples(exposition(plugin))), 2)
        self.assertEqual(len(counter._children), 2)
        self.assertEqual(plugin.status().series_refused, 998)


if __name__ == "__main__":
    unittest.main()
