# SPDX-License-Identifier: MIT
"""One process with instruments, for cost.py: it takes a JSON object a line and answers with one.

usage: cost_process.py promplug|prometheus_client SET_DIRECTORY
"""
import itertools
import json
import os
import sys
import time
import timeit

LABELS = ("method", "route", "status")


class Process:
    def __init__(self, library, directory):
        self.directory = directory
        if library == "promplug":
            import promplug as library_module
            overrides = {"multiprocess.dir": directory, "self_metrics": "false", "process_metrics": "false"}
            self.plugin = library_module.load(environment=False, overrides=overrides)
            self.options = {}
        else:
            if directory:  # read at the import
                os.environ["PROMETHEUS_MULTIPROC_DIR"] = directory
            import prometheus_client as library_module
            self.registry = library_module.CollectorRegistry()
            self.options = {"registry": self.registry}
        self.library = library_module
        self.names = {"counter": self.make("Counter", "cost_count"), "gauge": self.make("Gauge", "cost_level"),
                      "histogram": self.make("Histogram", "cost_seconds"), "summary": self.make("Summary", "cost_sum"),
                      "labelled": self.make("Counter", "cost_labelled", LABELS),
                      "other": itertools.cycle([number / 7 for number in range(1, 100000)]).__next__}

    def make(self, kind, name, labels=()):
        return getattr(self.library, kind)(name, "x", labels, **self.options)

    def time(self, statement, calls):
        """CPU nanoseconds a call."""
        timer = timeit.Timer(statement, globals=self.names, timer=time.thread_time)
        return timer.timeit(calls) / calls * 1e9

    def fill(self, series):
        """Has a counter with so many series, all counted once."""
        filled = self.make("Counter", "cost_filled", LABELS)
        for number in range(series):
            filled.labels("GET", f"/photos/{number}", "200").inc()

    def scrape(self):
        """CPU milliseconds of this process, and the sum and the number of the filled series."""
        begun = time.process_time()
        text = self.exposition()
        milliseconds = (time.process_time() - begun) * 1e3
        values = [float(line.rsplit(b" ", 1)[1]) for line in text.splitlines()
                  if line.startswith(b"cost_filled_total{")]
        return milliseconds, sum(values), len(values)

    def exposition(self):
        if self.library.__name__ == "promplug":
            return self.library.generate_latest()
        from prometheus_client.multiprocess import MultiProcessCollector
        registry = self.library.CollectorRegistry()
        MultiProcessCollector(registry, self.directory)
        return self.library.generate_latest(registry)


def main():
    process = Process(*sys.argv[1:])
    for line in sys.stdin:
        method, *arguments = json.loads(line)
        print(json.dumps(getattr(process, method)(*arguments)), flush=True)


if __name__ == "__main__":
    main()
