# SPDX-License-Identifier: MIT
"""What is measured inside of one process: updates, scrapes to a sink, memory, rooms, a C host."""
import random

from drivers import CPP, GO

WORKS = ("counters", "histograms", "gauges")
CPP_LIBRARIES = ("libprometheus-cpp-pull.so.1.0", "libprometheus-cpp-push.so.1.0")


def in_some_order(jobs):
    return random.sample(jobs, len(jobs))


def merge(all_runs, runs):
    for name, repetitions in runs.items():
        all_runs.setdefault(name, []).extend(repetitions)


def updates(drivers, plan):
    runs = {}
    jobs = [lambda: drivers.google("hot_bench", ".", plan.hot_repetitions)]
    jobs += [lambda who=who: drivers.by_name(drivers.program(who, "hot", plan.hot_repetitions))
             for who in (*GO, "python")]
    for i in range(plan.hot_rounds):
        drivers.say(f"updates, round {i + 1} of {plan.hot_rounds}")
        for job in in_some_order(jobs):
            merge(runs, job())
    for name, repetitions in runs.items():
        work, who, _, *threads = name.split("/")
        if work == "pace":
            drivers.keep(f"pace/{who}", "ns", (r["cpu_time"] for r in repetitions))
            continue
        drivers.keep(f"hot/{work}/{who}/{threads[0].removeprefix('threads:')}", "ns",
                     (r["cpu_time"] for r in drivers.undisturbed(repetitions)))


def scrapes(drivers, plan):
    for work in WORKS:
        for lines in plan.sizes:
            scrape(drivers, plan, work, lines)
    for lines in plan.gzip_sizes:
        drivers.say(f"scrape, counters_gzip, {lines} lines")
        keep_scrapes(drivers, drivers.google("scrape_bench", f"^counters_gzip/.*/{lines}$",
                                             plan.repetitions_in_all, plan.seconds))


def scrape(drivers, plan, work, lines):
    runs = {}

    def peer(who):
        answer = drivers.program(who, "scrape", work, lines, plan.repetitions, plan.seconds,
                                 plan.budget(lines))
        keep_memory(drivers, f"memory/{work}/{who}/{lines}", answer)
        return drivers.by_name(answer)

    jobs = [lambda: drivers.google("scrape_bench", f"^{work}/.*/{lines}$",
                                   plan.repetitions, plan.seconds)]
    jobs += [lambda who=who: peer(who) for who in (*GO, "python")]
    rounds = plan.scrape_rounds(lines)
    for i in range(rounds):
        drivers.say(f"scrape, {work}, {lines} lines, round {i + 1} of {rounds}")
        for job in in_some_order(jobs):
            merge(runs, job())
    keep_scrapes(drivers, runs)


def keep_scrapes(drivers, runs):
    for name, repetitions in runs.items():
        key, first = f"scrape/{name}", repetitions[0]
        repetitions = drivers.undisturbed(repetitions)
        drivers.keep(f"{key}/line", "ns", (r["cpu_time"] / r["lines"] for r in repetitions))
        drivers.keep(f"{key}/speed", "MB/s",
                     (r["bytes"] / r["cpu_time"] * 1e3 for r in repetitions))
        if "wire_bytes" in first:
            drivers.keep(f"{key}/compression", "x", [first["bytes"] / first["wire_bytes"]])


def memory(drivers, plan):
    """Of those in C++. The others say it with their scrapes."""
    for work in WORKS:
        for lines in plan.sizes:
            drivers.say(f"memory, {work}, {lines} lines")
            for who in CPP:
                keep_memory(drivers, f"memory/{work}/{who}/{lines}",
                            drivers.program("scrape_probe", who, work, lines))


def keep_memory(drivers, key, probe):
    if "allocations" in probe:
        drivers.keep(f"{key}/allocations", "", [probe["allocations"]])
    drivers.keep(f"{key}/peak", "MiB", [probe["peak_extra_bytes"] / 2**20])
    drivers.keep(f"{key}/series", "B", [probe["series_bytes"] / probe["series"]])


def tails(drivers, plan):
    """How long single updates take at the worst, without a scrape and beside one."""
    for who in (*CPP, *GO):
        drivers.say(f"updates beside a scrape of {plan.tail_lines} series, {who}")
        if who in CPP:
            answer = drivers.program("tail_bench", who, plan.tail_lines, plan.tail_seconds)
        else:
            answer = drivers.program(who, "tail", plan.tail_lines, plan.tail_seconds)
        for work, states in answer.items():
            for state, percentiles in states.items():
                for name, ns in percentiles.items():
                    drivers.keep(f"tail/{work}/{who}/{state}/{name}", "ns", [ns])
    drivers.keep("tail/series", "", [plan.tail_lines])


def c_host(drivers, plan):
    drivers.say("a C host")
    hosts = {"promplug": ("plugin",), "prometheus_cpp": ("libraries", *CPP_LIBRARIES)}
    runs = {who: [] for who in hosts}
    for _ in range(plan.host_runs):
        for who, arguments in hosts.items():
            runs[who].append(drivers.program("host_probe", *arguments))
    for who, samples in runs.items():
        key = f"host/{who}"
        for name in ("start", "stop", "cpu"):
            drivers.keep(f"{key}/{name}", "ms", (s[f"{name}_ms"] for s in samples))
        drivers.keep(f"{key}/all", "ms", (s["start_ms"] + s["stop_ms"] for s in samples))
        drivers.keep(f"{key}/resident", "MiB", (s["kib"] / 1024 for s in samples))
        drivers.keep(f"{key}/scraped_resident", "MiB", (s["scraped_kib"] / 1024 for s in samples))


def rooms(drivers, plan):
    for program, choose in (("encode_bench", "."),
                            ("relay_bench", "CleanDefault|CleanAllCollectors$|CleanAndStage"),
                            ("merge_bench", ".")):
        drivers.say(program)
        runs = drivers.google(program, choose, plan.repetitions_in_all, plan.seconds)
        for name, repetitions in runs.items():
            key, first = f"room/{name}", repetitions[0]
            repetitions = drivers.undisturbed(repetitions)
            if "bytes_per_second" in first:
                drivers.keep(f"{key}/speed", "MB/s",
                             (r["bytes_per_second"] / 1e6 for r in repetitions))
            for counter, unit, scale in (("ratio", "x", 1), ("peak_bytes", "KiB", 1024),
                                         ("allowed_bytes", "KiB", 1024)):
                if counter in first:
                    drivers.keep(f"{key}/{counter}", unit, [first[counter] / scale])
            if "items_per_second" in first:
                drivers.keep(f"{key}/line", "ns",
                             (1e9 / r["items_per_second"] for r in repetitions))
