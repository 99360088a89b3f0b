#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The peer that is written in Python: prometheus_client. Each mode writes one JSON object; those of
hot and scrape have the form of Google Benchmark's.

usage: driver.py hot REPETITIONS
                 scrape counters|histograms|gauges LINES REPETITIONS SECONDS BUDGET
                 serve LINES
                 push HOST:PORT LINES PUSHES
"""
import json
import math
import os
import pathlib
import random
import sys
import time

# One line a series, as all others write it. Read while the library is imported.
os.environ["PROMETHEUS_DISABLE_CREATED_SERIES"] = "True"
from prometheus_client import (CollectorRegistry, Counter, Gauge, Histogram,  # noqa: E402
                               generate_latest, push_to_gateway, start_http_server)

WHO = "python"
# The same series, with values of the same kinds, as in work.hpp.
FAMILY, HELP = "http_requests_total", "What is counted here."
BOUNDS = (.001, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10)
LABEL_NAMES = ("method", "route", "status")
METHODS = ("GET", "POST", "PUT", "DELETE")
OBSERVATIONS, SEED = 20, 1
CALLS = 20_000
LOOK_UP_SERIES, LOOKED_UP = 1000, 500


def label_values(series):
    return METHODS[series % 4], f"/api/v1/items/{series}", str(200 + series % 5)


def series_of(work, lines):
    return lines // (len(BOUNDS) + 3) if work == "histograms" else lines


def duration(source):
    """As likely in one bucket as in another."""
    return math.exp(source.uniform(math.log(.0005), math.log(20)))


def new_exposition(work, lines):
    registry, source = CollectorRegistry(), random.Random(SEED)
    series = series_of(work, lines)
    if work == "counters":
        family = Counter(FAMILY, HELP, LABEL_NAMES, registry=registry)
        for i in range(series):
            family.labels(*label_values(i)).inc(source.randrange(10_000_000))
    elif work == "gauges":
        family = Gauge(FAMILY, HELP, LABEL_NAMES, registry=registry)
        for i in range(series):
            family.labels(*label_values(i)).set(source.uniform(0, 1000))
    else:
        family = Histogram(FAMILY, HELP, LABEL_NAMES, buckets=BOUNDS, registry=registry)
        for i in range(series):
            histogram = family.labels(*label_values(i))
            for _ in range(OBSERVATIONS):
                histogram.observe(duration(source))
    return registry


def run(name, n, cpu, wall, **more):
    return {"run_name": name, "run_type": "iteration", "threads": 1,
            "cpu_time": cpu / n, "real_time": wall / n, **more}


def hot(repetitions):
    registry = CollectorRegistry()
    counter = Counter("counter", HELP, registry=registry)
    fraction = Counter("fraction", HELP, registry=registry)
    gauge = Gauge("gauge", HELP, registry=registry)
    histogram = Histogram("histogram", HELP, buckets=BOUNDS, registry=registry)
    family = Counter("looked_up", HELP, LABEL_NAMES, registry=registry)
    for i in range(LOOK_UP_SERIES):
        family.labels(*label_values(i))
    labels, source = label_values(LOOKED_UP), random.Random(SEED)
    values = [duration(source) for _ in range(CALLS)]
    works = {"inc": lambda _: counter.inc(),
             "add": lambda _: counter.inc(2),
             "add_fraction": lambda _: fraction.inc(.5),
             "set": gauge.set,
             "observe": lambda i: histogram.observe(values[i]),
             "look_up_inc": lambda _: family.labels(*labels).inc()}
    runs = []
    for _ in range(repetitions):
        for work, do in works.items():
            cpu, wall = time.process_time_ns(), time.monotonic_ns()
            for i in range(CALLS):
                do(i)
            runs.append(run(f"{work}/{WHO}/iterations:{CALLS}/threads:1", CALLS,
                            time.process_time_ns() - cpu, time.monotonic_ns() - wall))
    return {"benchmarks": runs}


def status_bytes(key):
    for line in pathlib.Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        if line.startswith(key + ":"):
            return int(line.split()[1]) * 1024
    raise SystemExit(f"no {key} in /proc/self/status")


def scrape(work, lines, repetitions, least, budget):
    empty = status_bytes("VmRSS")
    registry = new_exposition(work, lines)
    before = status_bytes("VmRSS")
    # Sets the peak back to what is resident now (proc(5)).
    pathlib.Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    text = generate_latest(registry)
    peak = status_bytes("VmHWM")
    size = len(text)
    real = sum(not line.startswith(b"#") for line in text.splitlines())
    del text
    runs, begun = [], time.monotonic()
    while len(runs) < repetitions:
        cpu, wall, n = time.process_time_ns(), time.monotonic_ns(), 0
        while n == 0 or time.monotonic_ns() - wall < least * 1e9:
            generate_latest(registry)
            n += 1
        runs.append(run(f"{work}/{WHO}/{lines}", n, time.process_time_ns() - cpu,
                        time.monotonic_ns() - wall, lines=real, bytes=size))
        if time.monotonic() - begun > budget:
            break
    return {"benchmarks": runs, "peak_extra_bytes": peak - before, "lines": real,
            "series": series_of(work, lines), "series_bytes": before - empty}


def serve(lines):
    """Until stdin ends. On a port that was free a moment ago: the library does not say which one it
    took for port 0."""
    sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[3] / "scripts"))
    from stack.process import free_port
    port = free_port()
    start_http_server(port, "127.0.0.1", new_exposition("counters", lines))
    print(json.dumps({"port": port}), flush=True)
    sys.stdin.read()
    sys.exit()


def push(address, lines, pushes):
    registry, times = new_exposition("counters", lines), {"cpu_ms": [], "wall_ms": []}
    for i in range(pushes + 1):
        cpu, wall = time.process_time_ns(), time.monotonic_ns()
        push_to_gateway(address, "bench_python", registry, {"instance": "bench"})
        if i > 0:
            times["cpu_ms"].append((time.process_time_ns() - cpu) / 1e6)
            times["wall_ms"].append((time.monotonic_ns() - wall) / 1e6)
    return times


def main(mode, *arguments):
    if mode == "hot":
        return hot(int(arguments[0]))
    if mode == "scrape":
        work, lines, repetitions, least, budget = arguments
        return scrape(work, int(lines), int(repetitions), float(least), float(budget))
    if mode == "serve":
        return serve(int(arguments[0]))
    if mode == "push":
        return push(arguments[0], int(arguments[1]), int(arguments[2]))
    raise SystemExit(__doc__)


if __name__ == "__main__":
    print(json.dumps(main(*sys.argv[1:])))
