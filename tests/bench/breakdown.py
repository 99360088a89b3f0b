# SPDX-License-Identifier: MIT
"""The tables that say what the measured times are made of."""
import profiles
from tables import DASH, HOT, SCRAPES, Table, number, times

LINES = 10_000
# By work: its name, and the key of its time. Updates are those of an instance that is not started,
# as the profile's are.
WORKS = {**{work: (title, f"hot/{work}/promplug_idle/1") for work, title in HOT},
         **{work: (f"a line of {title}", f"scrape/{work}/promplug/{LINES}/line")
            for work, title in SCRAPES},
         "counters_gzip": ("a line of counters, compressed",
                           f"scrape/counters_gzip/promplug/{LINES}/line")}


def pace_table(figures):
    table = Table(
        "How fast the machine was",
        "ns for 16 additions in each chain, each waiting for the one before. What the median is above "
        "the least was taken away: by another guest that had the CPU for a while, which both feel; or "
        "by one on the core's other hardware thread, which eight chains, that take all that a core "
        "can do at once, feel more than one. Work that hardly waits loses like eight, work that waits "
        "like one.",
        ("chains", "least", "median", "median : least"))
    for key, title in (("one_chain", "one"), ("eight_chains", "eight")):
        key = f"pace/{key}"
        least, median = figures.least(key), figures.value(key)
        table.add(title, number(least), number(median), times(median, least))
    return table


def instruction_table(figures):
    table = Table(
        "Instructions and time",
        "For one update, or one line of a scrape of 10 000: instructions from the call into the "
        "plugin to its return, as callgrind counts them, "
        "the least and the median of the ns of the tables above (updates: of an instance that is not "
        "started), and how many instructions a ns that is. Where many are done in a ns, only fewer "
        "instructions would take less time; where few are, the time goes into waiting: for atomic "
        "additions, memory, or the result before.",
        ("work", "instructions", "least ns", "median ns", "a ns, least", "a ns, median"))
    for work, (title, key) in WORKS.items():
        count = figures.value(f"instructions/{work}")
        if count is None:
            continue
        least, median = figures.least(key), figures.value(key)
        table.add(title, number(count), number(least), number(median),
                  *(number(count / ns) if ns else DASH for ns in (least, median)))
    return table


def part_table(figures):
    table = Table(
        "Where the instructions are",
        "The same instructions by the source file of the plugin, or the library, that they come "
        "from.",
        ("work", "part", "instructions", "share"), names=2)
    for work, (title, _) in WORKS.items():
        count = figures.value(f"instructions/{work}")
        for part, cost in figures.under(f"profile/{work}/"):
            table.add(title, part, number(cost), f"{100 * cost / count:.0f} %")
    return table


def wire_table(figures):
    table = Table(
        "Where the time on the wire is",
        "ms of CPU time for 10 000 counters. *Text*: a whole scrape into memory. *Compression*: what "
        "a compressed one takes beyond that. *The rest*: what the CPU time of the process has beyond "
        "both: sockets, the kernel's part, threads that wake, libcurl.",
        ("work", "CPU", "text", "compression", "the rest"))
    lines = {form: figures.value(f"scrape/{form}/promplug/{LINES}/line")
             for form in ("counters", "counters_gzip")}
    if None in lines.values():
        return table
    text = lines["counters"] * LINES / 1e6
    compression = lines["counters_gzip"] * LINES / 1e6 - text
    for title, key, compressed in (("HTTP scrape, plain", "http/identity/promplug/cpu", False),
                                   ("HTTP scrape, gzip", "http/gzip/promplug/cpu", True),
                                   ("push, gzip", "push/promplug/cpu", True)):
        whole = figures.value(key)
        if whole is None:
            continue
        rest = whole - text - (compression if compressed else 0)
        table.add(title, number(whole), number(text), number(compression) if compressed else DASH,
                  number(rest))
    return table


ALL = (pace_table, instruction_table, part_table, wire_table)
