#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Runs the built benchmarks, keeps the result as JSON, and shows it (see run.sh)."""
import argparse
import datetime
import json
import os
import pathlib
import platform
import subprocess
import time

import comparison
import inprocess
import network
import pages
import profiles
from drivers import Drivers

ROOT = pathlib.Path(__file__).resolve().parents[2]
PACKAGES = {"prometheus-cpp": "prometheus-cpp-dev",
            "client_golang": "golang-github-prometheus-client-golang-dev",
            "VictoriaMetrics/metrics": "golang-github-victoriametrics-metrics-dev",
            "Go": "golang-go",
            "Python client": "python3-prometheus-client",
            "Pushgateway": "prometheus-pushgateway",
            "Google Benchmark": "libbenchmark-dev"}


class Full:
    """How much is measured."""
    hot_rounds, hot_repetitions = 5, 9
    seconds = 0.1  # of one repetition of a scrape
    sizes = (1_000, 10_000, 100_000, 1_000_000)
    gzip_sizes = (10_000, 100_000)
    tail_lines, tail_seconds = 1_000_000, 1.5
    host_runs = 21
    http_rounds, http_batch = 12, 20
    push_rounds, pushes = 2, 10

    repetitions = 3  # of each round; of what has no rounds:
    repetitions_in_all = 7

    @staticmethod
    def budget(lines):
        """Seconds after which a peer's driver begins no further repetition."""
        return 10 if lines > 100_000 else 1.5

    @staticmethod
    def scrape_rounds(lines):
        return 1 if lines > 100_000 else 2


class Quick(Full):
    hot_rounds, hot_repetitions = 3, 5
    seconds = 0.05
    sizes = gzip_sizes = (10_000,)
    tail_lines, tail_seconds = 100_000, 0.3
    host_runs = 5
    http_rounds, http_batch = 5, 10
    push_rounds, pushes = 1, 5


class Smoke(Full):
    """Whether everything runs; the figures are worth nothing."""
    hot_rounds = hot_repetitions = repetitions = repetitions_in_all = 1
    seconds = 0
    sizes = gzip_sizes = (1_000,)
    tail_lines, tail_seconds = 1_000, 0.02
    host_runs = 1
    http_rounds, http_batch = 1, 2
    push_rounds, pushes = 1, 1

    @staticmethod
    def scrape_rounds(lines):
        return 1


def measure(drivers, plan):
    for part in (inprocess.updates, inprocess.scrapes, inprocess.memory, inprocess.tails,
                 inprocess.c_host, network.http, network.pushes, inprocess.rooms,
                 profiles.instructions):
        begun = time.monotonic()
        part(drivers, plan)
        drivers.say(f"{part.__name__} took {time.monotonic() - begun:.0f} s")


def machine():
    model = "unknown"
    for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            model = line.split(":", 1)[1].strip()
            break
    system = platform.freedesktop_os_release().get("PRETTY_NAME", "Linux")
    return {"cpu": model, "cpus": os.cpu_count(), "system": system,
            "kernel": platform.release(), "architecture": platform.machine(),
            "libc": " ".join(platform.libc_ver())}


def package(name):
    try:
        done = subprocess.run(["dpkg-query", "-W", "-f", "${Version}", name], check=False,
                              stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    except FileNotFoundError:
        return "unknown"
    return done.stdout or "unknown"


def commit():
    """" (commit ...)" where the sources are a checkout."""
    done = subprocess.run(["git", "-C", str(ROOT), "describe", "--always", "--dirty"],
                          stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=False)
    return f" (commit {done.stdout.strip()})" if done.returncode == 0 else ""


def result_of(drivers):
    return {"schema": 2,
            "date": datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d %H:%M UTC"),
            "machine": machine(),
            "versions": {"promplug": drivers.context["promplug"] + commit(),
                         **{name: package(deb) for name, deb in PACKAGES.items()},
                         "g++": drivers.context["compiler"]},
            "load": {"first": drivers.loads[0], "most": max(drivers.loads),
                     "cpus": os.cpu_count()},
            "disturbed": drivers.disturbed / drivers.repetitions,
            "measures": drivers.measures}


def main():
    parser = argparse.ArgumentParser(prog="run.sh", allow_abbrev=False)
    size = parser.add_mutually_exclusive_group()
    size.add_argument("--quick", action="store_true")
    size.add_argument("--smoke", action="store_true")
    parser.add_argument("--against", type=pathlib.Path, metavar="FILE")
    parser.add_argument("--result", type=pathlib.Path, metavar="FILE")
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build" / "bench",
                        help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    earlier = json.loads(arguments.against.read_text()) if arguments.against else None

    drivers = Drivers(arguments.build)
    measure(drivers, Smoke if arguments.smoke else Quick if arguments.quick else Full)
    result = result_of(drivers)
    kept = arguments.result or arguments.build / "bench.json"
    kept.write_text(json.dumps(result, indent=1) + "\n")
    print(pages.terminal(result))
    if earlier:
        print(comparison.terminal(result, earlier))
    if not arguments.quick and not arguments.smoke:
        page = ROOT / "docs" / "benchmarks.md"
        page.write_text(pages.markdown(result))
        print(f"written: {page}")
    print(f"result: {kept}")


if __name__ == "__main__":
    main()
