#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Prints what an update costs here and in prometheus_client, side by side; no test.

usage: PYTHONPATH=host_api/python cost.py PROMPLUG_SO [REPETITIONS]

CPU time of the thread, the lowest of the repetitions, both interleaved.
"""
import sys
import time
import timeit

import prometheus_client
import promplug

CALLS = 20000


def instruments(library, **options):
    labels = ("method", "route", "status")
    return {"counter": library.Counter("cost_count", "x", **options),
            "gauge": library.Gauge("cost_level", "x", **options),
            "histogram": library.Histogram("cost_seconds", "x", **options),
            "summary": library.Summary("cost_sum", "x", **options),
            "labelled": library.Counter("cost_labelled", "x", labels, **options)}


WORK = {"counter.inc()": "counter.inc()",
        "counter.inc(2.5)": "counter.inc(2.5)",
        "gauge.set(3.0)": "gauge.set(3.0)",
        "gauge.inc()": "gauge.inc()",
        "histogram.observe(0.003)": "histogram.observe(0.003)",
        "histogram.observe(3.0)": "histogram.observe(3.0)",
        "summary.observe(3.0)": "summary.observe(3.0)",
        "labels(three).inc()": "labelled.labels('GET', '/photos/{id}', '200').inc()"}


def nanoseconds(statement, names):
    timer = timeit.Timer(statement, globals=names, timer=time.thread_time)
    return timer.timeit(CALLS) / CALLS * 1e9


def main():
    repetitions = int(sys.argv[2]) if len(sys.argv) > 2 else 30
    with promplug.load(sys.argv[1], environment=False):
        ours, theirs = instruments(promplug), instruments(prometheus_client)
        print(f"{'CPU ns a call':28}{'promplug':>10}{'prometheus_client':>20}{'ratio':>8}")
        for name, statement in WORK.items():
            pairs = [(nanoseconds(statement, ours), nanoseconds(statement, theirs))
                     for _ in range(repetitions)]
            mine, other = (min(column) for column in zip(*pairs))
            print(f"{name:28}{mine:10.0f}{other:20.0f}{mine / other:8.2f}")


if __name__ == "__main__":
    main()
