# SPDX-License-Identifier: MIT
"""What a result of measure.py looks like: in the terminal, and as docs/benchmarks.md."""

PEER = "prometheus-cpp"

# What one work is called, and what it should cost at 1 and at 2 threads (ns) where a goal is set.
HOT = [
    ("inc", "counter: increment", (5, 5)),
    ("add", "counter: add a whole number", None),
    ("add_fraction", "counter: add a fraction", None),
    ("set", "gauge: set", None),
    ("observe", "histogram of 12 buckets: observe", (16, 16)),
    ("look_up_inc", "look-up by 3 labels, and increment", None),
]
SCRAPES = [
    ("counters", "counters, 3 labels"),
    ("histograms", "histograms, 12 buckets"),
    ("gauges", "gauges, full doubles"),
]
# At how many counters the encoding should be faster than the peer's, and how many times.
FASTER_AT, FASTER_TIMES = "10000", 20
ROOMS = [
    ("Counters", "encoder alone, counters"),
    ("Histograms", "encoder alone, histograms"),
    ("Gauges", "encoder alone, gauges of full doubles"),
    ("Gzip/Isal", "gzip by ISA-L"),
    ("Gzip/Zlib", "gzip by zlib, level 1"),
    ("CleanDefault", "relay: cleaning what node_exporter says"),
    ("CleanAllCollectors", "relay: the same with all its collectors"),
]
DASH = "-"


class Table:
    def __init__(self, title, text, head):
        self.title, self.text, self.head, self.rows = title, text, head, []

    def add(self, *cells):
        if any(cell not in (DASH, "") for cell in cells[1:]):
            self.rows.append(cells)


class Result:
    def __init__(self, result):
        self.result = result
        self.measures = result["measures"]

    def value(self, key):
        measure = self.measures.get(key)
        return None if measure is None else measure["value"]

    def sizes(self, group):
        """Number of lines, rising, as text."""
        found = {key.split("/")[3] for key in self.measures if key.startswith(group + "/")}
        return sorted(found, key=int)


def number(value):
    """About three digits."""
    if value is None:
        return DASH
    for limit, form in ((10, "{:.2f}"), (100, "{:.1f}")):
        if abs(value) < limit:
            return form.format(value)
    return f"{value:,.0f}".replace(",", " ")


def times(more, less):
    return DASH if not more or not less else f"{number(more / less)}x"


def met(value, goal):
    if goal is None or value is None:
        return DASH
    return f"{goal} {'reached' if value <= goal else 'MISSED'}"


def hot_table(result):
    table = Table(
        "Updates",
        "ns for one update, through the function table of the loaded plugin. With 2 threads both "
        "update the same series. *Limit*: a relaxed atomic addition (gauge: a store) compiled into "
        "the program, each thread on a cache line of its own. *Calls*: as a multiple of an empty "
        "call through the function table of a loaded object, measured in the same run.",
        ("work", "threads", "promplug", PEER, "ratio", "limit", "calls", "goal"))
    for work, title, goals in HOT:
        for threads in (1, 2):
            ours, peer, limit, empty = (
                result.value(f"hot/{key}/{threads}")
                for key in (f"{work}/promplug", f"{work}/prometheus_cpp", f"{work}/limit",
                            "empty_call/loaded_object"))
            table.add(title, str(threads), number(ours), number(peer), times(peer, ours),
                      number(limit), times(ours, empty), met(ours, goals and goals[threads - 1]))
    return table


def unit_table(result):
    table = Table(
        "What these are to be compared with",
        "ns for one operation. A series that is hot is spread over CPUs by the plugin's upkeep; "
        "the last three rows are the same updates on an instance that was not started, where "
        "nothing does that.",
        ("operation", "1 thread", "2 threads"))
    for key, title in (
            ("empty_call/loaded_object", "empty call into a loaded object"),
            ("add_call/loaded_object", "call that adds atomically, a line for each thread"),
            ("inc/limit", "atomic addition in place, a line for each thread"),
            ("inc/shared_limit", "atomic addition in place, one line"),
            ("inc/promplug_idle", "promplug, counter: increment, not spread"),
            ("observe/promplug_idle", "promplug, histogram: observe, not spread"),
            ("look_up_inc/promplug_idle", "promplug, look-up and increment, not spread")):
        table.add(title, *(number(result.value(f"hot/{key}/{threads}")) for threads in (1, 2)))
    return table


def scrape_table(result):
    table = Table(
        "Scrape",
        "ns for one line of a whole scrape into a sink that drops it. *Limit*: memcpy of the same "
        "bytes.",
        ("work", "lines", "promplug", PEER, "ratio", "limit", "MB/s", "goal"))
    for work, title in SCRAPES:
        for lines in result.sizes(f"scrape/{work}"):
            ours, peer, limit = (result.value(f"scrape/{work}/{who}/{lines}/line")
                                 for who in ("promplug", "prometheus_cpp", "memcpy"))
            goal = DASH
            if work == "counters" and lines == FASTER_AT and ours and peer:
                goal = f"{FASTER_TIMES}x " + (
                    "reached" if peer / ours >= FASTER_TIMES else "MISSED")
            table.add(title, lines, number(ours), number(peer), times(peer, ours), number(limit),
                      number(result.value(f"scrape/{work}/promplug/{lines}/speed")), goal)
    return table


def gzip_table(result):
    table = Table(
        "Scrape, compressed",
        f"MB of text a second of CPU, text and gzip together. {PEER} as its Exposer does it: the "
        "whole text in memory, then zlib at its default level.",
        ("counters", "promplug", PEER, "ratio", "compression", f"compression of {PEER}"))
    for lines in result.sizes("scrape/counters_gzip"):
        ours, peer = (f"scrape/counters_gzip/{who}/{lines}"
                      for who in ("promplug", "prometheus_cpp"))
        speeds = result.value(f"{ours}/speed"), result.value(f"{peer}/speed")
        table.add(lines, number(speeds[0]), number(speeds[1]), times(*speeds),
                  times(result.value(f"{ours}/compression"), 1),
                  times(result.value(f"{peer}/compression"), 1))
    return table


def memory_table(result):
    table = Table(
        "Memory of a scrape, and of the series",
        "Allocations of the whole process during one scrape, by any of its objects; the most "
        "memory that was resident during a first scrape beyond what was before; resident memory "
        "for each series.",
        ("work", "lines", "allocations", f"of {PEER}", "a line", f"of {PEER}", "peak MiB",
         f"of {PEER}", "bytes a series", f"of {PEER}"))
    for work, title in SCRAPES:
        for lines in result.sizes(f"memory/{work}"):
            cells = []
            for what in ("allocations", "allocations_a_line", "peak", "series"):
                for who in ("promplug", "prometheus_cpp"):
                    value = result.value(f"memory/{work}/{who}/{lines}/{what}")
                    whole = what in ("allocations", "series") and value is not None
                    cells.append(f"{value:.0f}" if whole else number(value))
            table.add(title, lines, *cells)
    return table


def host_table(result):
    table = Table(
        "In a host written in C",
        "Beyond libstdc++. promplug: load, create, start, stop, scraped through the host. "
        f"{PEER}: loading its pull and push libraries, nothing else.",
        ("what", "promplug", PEER))
    for key, title in (("start", "until it runs, ms"), ("stop", "stop and destroy, ms"),
                       ("cpu", "CPU time of both, ms"),
                       ("resident", "resident memory while it runs, MiB"),
                       ("scraped_resident", "the same after a scrape, MiB")):
        ours = result.value(f"host/promplug/{key}")
        peer = result.value(f"host/prometheus_cpp/{key}")
        of_both = key not in ("stop", "scraped_resident")
        table.add(title, number(ours), number(peer) if of_both else DASH)
    return table


def room_table(result):
    table = Table(
        "Rooms by themselves",
        "Of CPU time. Memory: the most bytes allocated at a time, for each series of the input.",
        ("work", "MB/s", "ns a line", "compression", "bytes a series"))
    for key, title in ROOMS:
        table.add(title, *(number(result.value(f"room/{key}/{what}"))
                           for what in ("speed", "line", "ratio", "peak_per_series")))
    return table


def tables(result):
    made = (make(Result(result)) for make in (hot_table, unit_table, scrape_table, gzip_table,
                                              memory_table, host_table, room_table))
    return [table for table in made if table.rows]


def facts(result):
    machine, load = result["machine"], result["load"]
    versions = ", ".join(f"{name} {version}" for name, version in result["versions"].items())
    facts_ = [
        ("date", result["date"]),
        ("machine", f"{machine['cpus']} x {machine['cpu']} ({machine['architecture']})"),
        ("system", f"{machine['system']}, Linux {machine['kernel']}, {machine['libc']}"),
        ("versions", versions),
        ("load average", f"{load['first']:.2f} before the run, at the most {load['most']:.2f} "
         f"during it, on {load['cpus']} CPUs"),
        ("disturbed", f"{100 * result['disturbed']:.0f} % of the repetitions: their threads ran for "
         "less than 90 % of the time; they are left out where enough others are there"),
    ]
    if load["first"] > load["cpus"] * 0.75:
        facts_.append(("caution", "other work ran on this machine: trust ratios over absolutes"))
    return facts_


def terminal(result):
    lines = [f"{name}: {fact}" for name, fact in facts(result)]
    for table in tables(result):
        rows = [table.head, *table.rows]
        widths = [max(len(row[i]) for row in rows) for i in range(len(table.head))]
        lines += ["", table.title]
        for row in rows:
            cells = [row[0].ljust(widths[0])]
            cells += [cell.rjust(width) for cell, width in zip(row[1:], widths[1:])]
            lines.append("  " + "  ".join(cells).rstrip())
    return "\n".join(lines)


def markdown(result):
    lines = [
        "<!-- Written by tests/bench/run.sh from what it measured. Do not edit. -->",
        "# Benchmarks", "",
        f"promplug beside Debian's {PEER}, measured in one run by `tests/bench/run.sh`. Medians of "
        "CPU time; the repetitions of what is compared are interleaved at random.", ""]
    lines += [f"- {name}: {fact}" for name, fact in facts(result)]
    for table in tables(result):
        lines += ["", f"## {table.title}", "", table.text, "",
                  "| " + " | ".join(table.head) + " |",
                  "|" + "|".join(["---"] + ["---:"] * (len(table.head) - 1)) + "|"]
        lines += ["| " + " | ".join(row) + " |" for row in table.rows]
    return "\n".join(lines) + "\n"


# ---- two results ---------------------------------------------------------------------------------

# Repeats of one work on a machine that is not quiet differ by this share.
NOISE = 0.15
MORE_IS_BETTER = {"MB/s", "x"}


def comparison(now, earlier):
    """What of promplug's differs by more than noise."""
    lines = [f"against {earlier['date']}, promplug {earlier['versions']['promplug']}:"]
    if now["machine"] != earlier["machine"]:
        lines.append("  on another machine or system: only ratios to the peer can be compared")
    same = 0
    for key, measure in now["measures"].items():
        before = earlier["measures"].get(key)
        if before is None or "prometheus_cpp" in key:
            continue
        change = measure["value"] - before["value"]
        if abs(change) <= NOISE * abs(before["value"]):
            same += 1
            continue
        better = (change > 0) == (measure["unit"] in MORE_IS_BETTER)
        share = f" ({100 * change / before['value']:+.0f} %)" if before["value"] else ""
        lines.append(f"  {'better' if better else 'WORSE '}  {key}: {number(before['value'])} -> "
                     f"{number(measure['value'])} {measure['unit']}{share}")
    lines.append(f"  {same} figures within {NOISE:.0%}")
    return "\n".join(lines)
