# SPDX-License-Identifier: MIT
"""The pages of a made-up result, and the driver that needs no compiler."""
import json
import subprocess
import unittest

import breakdown
import comparison
import goals
import pages
import profiles
import tables
from drivers import HERE, PYTHON, Drivers


def result(measures):
    return {"date": "2000-01-01 00:00 UTC",
            "machine": {"cpu": "c", "cpus": 2, "system": "s", "kernel": "k", "architecture": "a",
                        "libc": "l"},
            "versions": {"promplug": "0"},
            "load": {"first": 0.1, "most": 0.2, "cpus": 2}, "disturbed": 0,
            "measures": {key: {"value": value, "unit": unit}
                         for key, (value, unit) in measures.items()}}


def row_of(text, title):
    return next(line for line in text.splitlines() if line.startswith(f"| {title} |"))


class PagesTest(unittest.TestCase):
    def test_a_goal_is_reached_up_to_its_limit_and_missed_beyond(self):
        for value, verdict in ((5.0, "reached"), (5.1, "MISSED")):
            text = pages.markdown(result({"hot/inc/promplug/2": (value, "ns")}))
            self.assertIn(f"| {verdict} |", row_of(text, "counter: increment, 2 threads"))
        for value, verdict in ((500, "reached"), (499, "MISSED")):
            text = pages.markdown(result({"room/CleanAllCollectors/speed": (value, "MB/s")}))
            self.assertIn(f"| {verdict} |", row_of(text, "relay: cleaning"))

    def test_a_goal_may_be_a_figure_of_the_run(self):
        measures = {"room/CleanAndStage/peak_bytes": (10, "KiB"),
                    "room/CleanAndStage/allowed_bytes": (9, "KiB")}
        self.assertIn("MISSED", pages.markdown(result(measures)))
        self.assertNotIn("MISSED", pages.markdown(
            result({**measures, "room/CleanAndStage/allowed_bytes": (10, "KiB")})))

    def test_each_peer_has_its_column_and_the_best_is_compared(self):
        measures = {"hot/inc/promplug/1": (2, "ns"), "hot/inc/prometheus_cpp/1": (8, "ns"),
                    "hot/inc/client_golang/1": (5, "ns"), "hot/inc/python/1": (300, "ns"),
                    "hot/inc/limit/1": (1, "ns"), "hot/empty_call/loaded_object/1": (4, "ns")}
        text = pages.markdown(result(measures))
        self.assertEqual(row_of(text, "counter: increment"),
                         "| counter: increment | 1 | 2.00 | 8.00 | 5.00 | - | 300 | 2.50x | 1.00 "
                         "| 0.50x |")
        self.assertIn("| 5.00 | 4.00 | 2.00 | 2.00 | 0.50x | reached |",
                      row_of(text, "counter: increment, 1 thread"))

    def test_what_was_not_measured_has_no_row_and_no_verdict(self):
        text = pages.markdown(result({"push/promplug/cpu": (1, "ms"),
                                      "push/client_golang_text/cpu": (30, "ms")}))
        self.assertEqual(text.count("reached") + text.count("MISSED"), 1)
        self.assertNotIn("counter: increment", text)
        self.assertIn("| 30.0 | 1.50 | 1.00 | 1.00 |", row_of(text, "push of 10 000 series, client CPU"))

    def test_the_terminal_shows_the_same_figures(self):
        measures = {"hot/inc/promplug/1": (2.25, "ns")}
        self.assertIn("2.25", pages.terminal(result(measures)))
        self.assertIn("2.25", pages.markdown(result(measures)))

    def test_goals_are_about_figures_that_have_a_table(self):
        shown = [f"hot/{work}/promplug" for work, _ in tables.HOT]
        shown += [f"{group}/{work}/promplug" for group in ("scrape", "memory")
                  for work, _ in tables.SCRAPES]
        shown += [f"http/{coding}/promplug" for coding, _ in tables.CODINGS]
        shown += [f"room/{room}/" for room, _ in tables.ROOMS] + ["push/promplug", "host/promplug"]
        for goal in goals.GOALS:
            self.assertTrue(any(goal.key.startswith(prefix) for prefix in shown), goal.key)


class ComparisonTest(unittest.TestCase):
    def test_what_got_worse_or_better_by_more_than_noise_is_said_of_promplug_alone(self):
        earlier = {"hot/inc/promplug/1": (4, "ns"), "hot/set/promplug/1": (4, "ns"),
                   "hot/add/promplug/1": (4, "ns"), "hot/inc/python/1": (4, "ns"),
                   "room/CleanDefault/speed": (100, "MB/s")}
        now = {"hot/inc/promplug/1": (5, "ns"), "hot/set/promplug/1": (3, "ns"),
               "hot/add/promplug/1": (4.1, "ns"), "hot/inc/python/1": (40, "ns"),
               "room/CleanDefault/speed": (50, "MB/s")}
        said = comparison.terminal(result(now), result(earlier)).splitlines()
        self.assertEqual([line.split(":")[0].split() for line in said[1:-1]],
                         [["WORSE", "hot/inc/promplug/1"], ["better", "hot/set/promplug/1"],
                          ["WORSE", "room/CleanDefault/speed"]])
        self.assertIn("1 figures within", said[-1])


OUT = """positions: line
ob=/x/build/plugin/promplug.so
fl=/x/build/bench/../../plugin/metrics/series.hpp
fn=CounterInc
10 6
fi=/usr/include/c++/12/bits/atomic_base.h
20 1
fe=/x/build/bench/../../plugin/metrics/series.hpp
11 2
cob=/usr/lib/libisal.so.2.0.30
cfi=/somewhere/igzip.c
cfn=isal_deflate
calls=1 5
12 1000
ob=/usr/lib/libisal.so.2.0.30
fl=???
fn=isal_deflate
0 1000
ob=/x/build/tests/bench/work_probe
fl=/x/tests/bench/work_probe.cpp
fn=measured_work
40 3
totals: 1012
"""


class ProfileTest(unittest.TestCase):
    def test_each_instruction_counts_once_where_it_comes_from(self):
        self.assertEqual(profiles.parts(OUT), {
            "metrics/series.hpp": 8, "headers of the C++ library": 1, "libisal": 1000,
            profiles.CALLER: 3})

    def test_small_parts_are_one_row(self):
        self.assertEqual(profiles.larger({"a": 10, "b": 989, "c": 1}),
                         {"b": 989, profiles.REST: 11})
        self.assertEqual(profiles.larger({"a": 50, "b": 50}), {"a": 50, "b": 50})

    def test_parts_are_shown_beside_the_time_of_the_work(self):
        measures = {"hot/look_up_inc/promplug_idle/1": (50, "ns"),
                    "instructions/look_up_inc": (500, "instructions"),
                    "profile/look_up_inc/metrics/hash.hpp": (100, "instructions"),
                    "pace/eight_chains": (30, "ns")}
        made = result(measures)
        made["measures"]["hot/look_up_inc/promplug_idle/1"]["least"] = 40
        made["measures"]["pace/eight_chains"]["least"] = 20
        text = pages.markdown(made)
        work = "look-up by 3 labels, and increment"
        self.assertIn(f"| {work} | 500 | 40.0 | 50.0 | 12.5 | 10.0 |", text)
        self.assertIn(f"| {work} | metrics/hash.hpp | 100 | 20 % |", text)
        self.assertIn("| eight | 20.0 | 30.0 | 1.50x |", text)

    def test_what_is_on_the_wire_is_the_rest(self):
        text = pages.markdown(result({
            "scrape/counters/promplug/10000/line": (20, "ns"),
            "scrape/counters_gzip/promplug/10000/line": (100, "ns"),
            "http/gzip/promplug/cpu": (1.5, "ms")}))
        self.assertIn("| HTTP scrape, gzip | 1.50 | 0.20 | 0.80 | 0.50 |", text)

    def test_every_profiled_work_has_a_title(self):
        self.assertLessEqual(set(profiles.WORKS), set(breakdown.WORKS))


class PythonDriverTest(unittest.TestCase):
    def answer(self, *arguments):
        done = subprocess.run([PYTHON, "-B", HERE / "python" / "driver.py", *arguments],
                              check=True, stdout=subprocess.PIPE, text=True)
        return json.loads(done.stdout)

    def test_it_writes_as_many_lines_as_it_is_told(self):
        for work, lines in (("counters", 90), ("gauges", 90), ("histograms", 90)):
            answer = self.answer("scrape", work, "90", "1", "0", "0")
            self.assertEqual(answer["lines"], lines, work)
            self.assertEqual(list(Drivers.by_name(answer)), [f"{work}/python/90"])

    def test_it_does_every_update_that_has_a_row(self):
        self.assertEqual({name.split("/")[0] for name in Drivers.by_name(self.answer("hot", "1"))},
                         {work for work, _ in tables.HOT})


if __name__ == "__main__":
    unittest.main()
