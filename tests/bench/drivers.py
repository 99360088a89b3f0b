# SPDX-License-Identifier: MIT
"""The programs that are measured, and what they say."""
import json
import os
import pathlib
import statistics
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
# The distribution's interpreter: it has the distribution's prometheus_client.
PYTHON = "/usr/bin/python3"

CPP = ("promplug", "prometheus_cpp")
GO = ("client_golang", "victoriametrics")
PEERS = ("prometheus_cpp", *GO, "python")

# A repetition was disturbed when its threads ran for less than this share of the time that it took.
# Without a disturbance two threads that were started together did overlap.
UNDISTURBED = 0.9
# Of fewer undisturbed repetitions all are taken.
ENOUGH = 3


def percentile(samples, share):
    ordered = sorted(samples)
    return ordered[min(int(share * len(ordered)), len(ordered) - 1)]


class Drivers:
    """Runs programs and keeps the figures: by key the median of the samples, and their range."""

    def __init__(self, build):
        self.programs = pathlib.Path(build, "tests", "bench").resolve()
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

    def command(self, name, *arguments):
        """name: of a program that was built, or the peer that a driver is for."""
        if name == "python":
            start = [PYTHON, "-B", HERE / "python" / "driver.py"]
        elif name in GO:
            start = [self.programs / "go_driver", name]
        else:
            start = [self.programs / name]
        return [str(part) for part in (*start, *arguments)]

    def program(self, name, *arguments):
        done = subprocess.run(self.command(name, *arguments), check=True, stdout=subprocess.PIPE,
                              text=True)
        return json.loads(done.stdout)

    def google(self, name, choose, repetitions, seconds=0):
        """The single repetitions by the name of their benchmark, interleaved at random."""
        answer = self.program(
            name, f"--benchmark_filter={choose}", "--benchmark_format=json",
            "--benchmark_enable_random_interleaving=true",
            f"--benchmark_repetitions={repetitions}", f"--benchmark_min_time={seconds}")
        self.context.update(answer["context"])
        return self.by_name(answer)

    @staticmethod
    def by_name(answer):
        runs = {}
        for run in answer["benchmarks"]:
            if run.get("error_occurred"):
                raise SystemExit(f"{run['run_name']}: {run.get('error_message')}")
            if run["run_type"] == "iteration":
                runs.setdefault(run["run_name"], []).append(run)
        return runs

    def undisturbed(self, runs):
        good = [r for r in runs if r["cpu_time"] >= UNDISTURBED * r["real_time"] * r["threads"]]
        self.repetitions += len(runs)
        self.disturbed += len(runs) - len(good)
        return good if len(good) >= ENOUGH else runs
