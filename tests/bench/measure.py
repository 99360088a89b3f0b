#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Runs the built benchmarks, keeps the result as JSON, and shows it (see run.sh)."""
import argparse
import datetime
import json
import os
import pathlib
import platform
import statistics
import subprocess
import sys

import pages

ROOT = pathlib.Path(__file__).resolve().parents[2]
IMPLEMENTATIONS = ("promplug", "prometheus_cpp")
WORKS = ("counters", "histograms", "gauges")
PEER_LIBRARIES = ("libprometheus-cpp-pull.so.1.0", "libprometheus-cpp-push.so.1.0")

# A repetition was disturbed when its threads ran for less than this share of the time that it took.
# Without a disturbance two threads that were started together did overlap.
UNDISTURBED = 0.9
# Of fewer undisturbed repetitions all are taken.
ENOUGH = 3


class Plan:
    """How much is measured."""

    def __init__(self, quick, large):
        self.hot_repetitions = 15 if quick else 41
        self.repetitions, self.seconds = (5, 0.05) if quick else (11, 0.2)
        self.sizes = [10_000] if quick else [1_000, 10_000, 100_000]
        self.gzip_sizes = [10_000] if quick else [10_000, 100_000]
        self.probe_sizes = [1_000, 10_000] if quick else [1_000, 10_000, 100_000]
        if large:
            self.sizes.append(1_000_000)
            self.probe_sizes.append(1_000_000)
        self.host_runs = 5 if quick else 21


class Bench:
    def __init__(self, build, plan):
        self.programs = pathlib.Path(build, "tests", "bench")
        self.plan = plan
        self.measures = {}
        self.context = {}
        self.loads = []
        self.disturbed = self.repetitions = 0

    def say(self, text):
        self.loads.append(os.getloadavg()[0])
        print(f"measuring: {text} (load {self.loads[-1]:.1f})", file=sys.stderr, flush=True)

    def keep(self, key, unit, samples):
        samples = list(samples)
        self.measures[key] = {"value": statistics.median(samples), "least": min(samples),
                              "most": max(samples), "samples": len(samples), "unit": unit}

    def program(self, name, *arguments):
        done = subprocess.run([self.programs / name, *map(str, arguments)], check=True,
                              stdout=subprocess.PIPE, text=True)
        return json.loads(done.stdout)

    def google(self, name, choose, repetitions, seconds=0):
        """The single repetitions by the name of their benchmark, interleaved at random."""
        answer = self.program(
            name, f"--benchmark_filter={choose}", "--benchmark_format=json",
            "--benchmark_enable_random_interleaving=true",
            f"--benchmark_repetitions={repetitions}", f"--benchmark_min_time={seconds}")
        self.context.update(answer["context"])
        runs = {}
        for run in answer["benchmarks"]:
            if run.get("error_occurred"):
                raise SystemExit(f"{run['name']}: {run.get('error_message')}")
            if run["run_type"] == "iteration":
                runs.setdefault(run["run_name"], []).append(run)
        return runs

    def undisturbed(self, runs):
        good = [r for r in runs if r["cpu_time"] >= UNDISTURBED * r["real_time"] * r["threads"]]
        self.repetitions += len(runs)
        self.disturbed += len(runs) - len(good)
        return good if len(good) >= ENOUGH else runs

    # ---- what is measured ------------------------------------------------------------------

    def hot(self):
        self.say("updates")
        runs = self.google("hot_bench", ".", self.plan.hot_repetitions)
        for name, repetitions in runs.items():
            work, who, _, threads = name.split("/")
            self.keep(f"hot/{work}/{who}/{threads.removeprefix('threads:')}", "ns",
                      (r["cpu_time"] for r in self.undisturbed(repetitions)))

    def scrapes(self):
        for work in WORKS:
            for lines in self.plan.sizes:
                self.scrape(work, lines)
        for lines in self.plan.gzip_sizes:
            self.scrape("counters_gzip", lines)

    def scrape(self, work, lines):
        self.say(f"scrape, {work}, {lines} lines")
        runs = self.google("scrape_bench", f"^{work}/.*/{lines}$", self.plan.repetitions,
                           self.plan.seconds)
        for name, repetitions in runs.items():
            key = f"scrape/{name}"
            first = repetitions[0]
            repetitions = self.undisturbed(repetitions)
            self.keep(f"{key}/line", "ns", (r["cpu_time"] / r["lines"] for r in repetitions))
            self.keep(f"{key}/speed", "MB/s",
                      (r["bytes"] / r["cpu_time"] * 1e3 for r in repetitions))
            self.keep(f"{key}/compression", "x", [first["bytes"] / first["wire_bytes"]])

    def memory(self):
        for work in WORKS:
            for lines in self.plan.probe_sizes:
                self.say(f"memory, {work}, {lines} lines")
                for who in IMPLEMENTATIONS:
                    probe = self.program("scrape_probe", who, work, lines)
                    key = f"memory/{work}/{who}/{lines}"
                    self.keep(f"{key}/allocations", "", [probe["allocations"]])
                    self.keep(f"{key}/allocations_a_line", "",
                              [probe["allocations"] / probe["lines"]])
                    self.keep(f"{key}/peak", "MiB", [probe["peak_extra_bytes"] / 2**20])
                    self.keep(f"{key}/series", "B", [probe["series_bytes"] / probe["series"]])

    def host(self):
        self.say("a C host")
        hosts = {"promplug": ("plugin",), "prometheus_cpp": ("libraries", *PEER_LIBRARIES)}
        runs = {who: [] for who in hosts}
        for _ in range(self.plan.host_runs):
            for who, arguments in hosts.items():
                runs[who].append(self.program("host_probe", *arguments))
        for who, samples in runs.items():
            for name, unit, scale in (("start_ms", "ms", 1), ("stop_ms", "ms", 1),
                                      ("cpu_ms", "ms", 1), ("kib", "MiB", 1024),
                                      ("scraped_kib", "MiB", 1024)):
                self.keep(f"host/{who}/{name.removesuffix('_ms').replace('kib', 'resident')}", unit,
                          (s[name] / scale for s in samples))

    def rooms(self):
        for program in ("encode_bench", "relay_bench"):
            self.say(program)
            choose = "." if program == "encode_bench" else "Clean(Default|AllCollectors)"
            runs = self.google(program, choose, self.plan.repetitions, self.plan.seconds)
            for name, repetitions in runs.items():
                key, first = f"room/{name}", repetitions[0]
                repetitions = self.undisturbed(repetitions)
                if "bytes_per_second" in first:
                    self.keep(f"{key}/speed", "MB/s",
                              (r["bytes_per_second"] / 1e6 for r in repetitions))
                for counter, unit in (("ratio", "x"), ("peak_per_series", "B")):
                    if counter in first:
                        self.keep(f"{key}/{counter}", unit, [first[counter]])
                if "items_per_second" in first:
                    self.keep(f"{key}/line", "ns",
                              (1e9 / r["items_per_second"] for r in repetitions))

    def run(self):
        self.hot()
        self.scrapes()
        self.memory()
        self.host()
        self.rooms()
        self.say("done")

    # ---- where ---------------------------------------------------------------------------------

    def result(self, arguments):
        return {"schema": 1,
                "quick": arguments.quick,
                "date": datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d %H:%M UTC"),
                "machine": machine(),
                "versions": {"promplug": self.context["promplug"] + commit(),
                             "prometheus-cpp": package("prometheus-cpp-dev"),
                             "Google Benchmark": package("libbenchmark-dev"),
                             "g++": self.context["compiler"]},
                "load": {"first": self.loads[0], "most": max(self.loads),
                         "cpus": os.cpu_count()},
                "disturbed": self.disturbed / self.repetitions,
                "measures": self.measures}


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


def main():
    parser = argparse.ArgumentParser(prog="run.sh", allow_abbrev=False)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--large", action="store_true")
    parser.add_argument("--against", type=pathlib.Path, metavar="FILE")
    parser.add_argument("--result", type=pathlib.Path, metavar="FILE")
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build" / "release",
                        help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    earlier = json.loads(arguments.against.read_text()) if arguments.against else None

    bench = Bench(arguments.build, Plan(arguments.quick, arguments.large))
    bench.run()
    result = bench.result(arguments)
    kept = arguments.result or arguments.build / "bench.json"
    kept.write_text(json.dumps(result, indent=1) + "\n")
    print(pages.terminal(result))
    if earlier:
        print(pages.comparison(result, earlier))
    if not arguments.quick:
        page = ROOT / "docs" / "benchmarks.md"
        page.write_text(pages.markdown(result))
        print(f"written: {page}")
    print(f"result: {kept}")


if __name__ == "__main__":
    main()
