#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Prints what updates and scrapes cost here and in prometheus_client, side by side; no test.

usage: PYTHONPATH=host_api/python cost.py PROMPLUG_SO [REPETITIONS]

CPU time, medians of the repetitions, which are interleaved; ratios are medians of those of each
repetition. The processes of a set have their directory in /dev/shm.
"""
import contextlib
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile

CALLS = 10000
WORKERS = 8
SERIES = 1000

WORK = {"counter.inc()": "counter.inc()",
        "counter.inc(2)": "counter.inc(2)",
        "counter.inc(2.5)": "counter.inc(2.5)",
        "counter.inc(another each time)": "counter.inc(other())",
        "gauge.set(3.0)": "gauge.set(3.0)",
        "gauge.inc()": "gauge.inc()",
        "histogram.observe(0.003)": "histogram.observe(0.003)",
        "histogram.observe(3.0)": "histogram.observe(3.0)",
        "summary.observe(3.0)": "summary.observe(3.0)",
        "labels(three).inc()": "labelled.labels('GET', '/photos/{id}', '200').inc()"}
LIBRARIES = ("promplug", "prometheus_client")


class Process:
    """A cost_process.py; it ends when its input does."""

    def __init__(self, plugin, library, directory=""):
        script = pathlib.Path(__file__).with_name("cost_process.py")
        self._child = subprocess.Popen(
            [sys.executable, "-B", script, library, directory], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL, text=True, env={**os.environ, "PROMPLUG_PLUGIN": plugin})

    def ask(self, *call):
        self._child.stdin.write(json.dumps(call) + "\n")
        self._child.stdin.flush()
        return json.loads(self._child.stdout.readline())

    def close(self):
        self._child.stdin.close()
        self._child.wait()
        self._child.stdout.close()


def show(name, pairs):
    ours, theirs = (statistics.median(column) for column in zip(*pairs))
    ratio = statistics.median(mine / other for mine, other in pairs)
    print(f"{name:34}{ours:10.4g}{theirs:20.4g}{ratio:8.3f}")


def show_updates(title, processes, repetitions):
    print(f"{title:34}{LIBRARIES[0]:>10}{LIBRARIES[1]:>20}{'ratio':>8}")
    for name, statement in WORK.items():
        show(name, [[process.ask("time", statement, CALLS) for process in processes] for _ in range(repetitions)])
    print()


def show_scrapes(sets, repetitions):
    print(f"{'CPU ms a scrape':34}{LIBRARIES[0]:>10}{LIBRARIES[1]:>20}{'ratio':>8}")
    pairs = []
    for _ in range(repetitions):
        answers = [processes[0].ask("scrape") for processes in sets]
        for _, total, series in answers:
            if (total, series) != (WORKERS * SERIES, SERIES):
                raise SystemExit(f"not what {WORKERS} workers counted: {series} series with a sum of {total}")
        pairs.append([milliseconds for milliseconds, _, _ in answers])
    show(f"{WORKERS} workers, {SERIES} series each", pairs)


def main():
    plugin, repetitions = os.path.abspath(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 30
    with contextlib.ExitStack() as ends:
        def start(library, directory=""):
            return ends.enter_context(contextlib.closing(Process(plugin, library, directory)))

        directories = [ends.enter_context(tempfile.TemporaryDirectory(prefix="promplug-cost-", dir="/dev/shm"))
                       for _ in LIBRARIES]
        show_updates("CPU ns a call, one process", [start(library) for library in LIBRARIES], repetitions)
        sets = [[start(library, directory) for _ in range(WORKERS)]
                for library, directory in zip(LIBRARIES, directories)]
        show_updates("CPU ns a call, one of 8 workers", [processes[0] for processes in sets], repetitions)
        for processes in sets:
            for process in processes:
                process.ask("fill", SERIES)
        show_scrapes(sets, repetitions)


if __name__ == "__main__":
    main()
