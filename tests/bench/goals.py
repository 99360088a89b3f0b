# SPDX-License-Identifier: MIT
"""What is to be reached, and whether a result does."""
from tables import DASH, Table, number, times


class Goal:
    def __init__(self, title, key, unit, limit, *, peers=None, more_is_better=False,
                 in_calls=False):
        """key: of our figure; peers: the same with {who} for theirs. limit: a number, or the key of
        one."""
        self.title, self.key, self.unit, self.limit = title, key, unit, limit
        self.peers, self.more_is_better, self.in_calls = peers, more_is_better, in_calls


def of_all(title, form, unit, limit, **more):
    return Goal(title, form.format(who="promplug"), unit, limit, peers=form, **more)


def hot(title, work, limits):
    return [of_all(f"{title}, {threads} thread{'s' if threads > 1 else ''}",
                   f"hot/{work}/{{who}}/{threads}", "ns", limit, in_calls=True)
            for threads, limit in enumerate(limits, 1)]


def lines(title, work, limits):
    return [of_all(f"scrape of {size:,} {title}, a line".replace(",", " "),
                   f"scrape/{work}/{{who}}/{size}/line", "ns", limit)
            for size, limit in zip((10_000, 100_000, 1_000_000), limits)]


GOALS = [
    *hot("counter: increment", "inc", (4, 5)),
    *hot("gauge: set", "set", (4,)),
    *hot("observe, 12 buckets", "observe", (12, 16)),
    *hot("look-up by 3 labels and increment", "look_up_inc", (60, 75)),
    *lines("counters", "counters", (25, 30, 35)),
    *lines("lines of histograms", "histograms", (30, 30, 30)),
    *lines("gauges of full doubles", "gauges", (70, 70, 70)),
    of_all("extra memory during a scrape of 1 000 000 counters",
           "memory/counters/{who}/1000000/peak", "MiB", 1),
    of_all("memory of an idle counter with 3 labels", "memory/counters/{who}/1000000/series", "B",
           160),
    of_all("HTTP scrape of 10 000 series, server CPU", "http/identity/{who}/cpu", "ms", .6),
    of_all("HTTP scrape of 10 000 series, gzip, server CPU", "http/gzip/{who}/cpu", "ms", 1.3),
    of_all("push of 10 000 series, client CPU", "push/{who}/cpu", "ms", 1.5),
    Goal("relay: cleaning", "room/CleanAllCollectors/speed", "MB/s", 500, more_is_better=True),
    Goal("relay: memory (staged body + 16 bytes a series + 1 MiB)",
         "room/CleanAndStage/peak_bytes", "KiB", "room/CleanAndStage/allowed_bytes"),
    Goal("merging 64 processes of 1 000 counters in any order, a point",
         "room/Merge/CountersInAnyOrder/line", "ns", 150),
    Goal("reading 64 processes of 1 000 counters (20 ms), a point", "room/ReadSet/Counters/line",
         "ns", 312.5),
    of_all("load, start and stop in a C host", "host/{who}/all", "ms", 3),
    of_all("resident memory in a C host beyond libstdc++, scraped", "host/{who}/scraped_resident",
           "MiB", 3),
]


def verdict(value, limit, more_is_better):
    reached = value >= limit if more_is_better else value <= limit
    return "reached" if reached else "MISSED"


def table(figures):
    made = Table(
        "Goals",
        "Of this run. *Best peer*: of those in the tables below. *Least*: of promplug's repetitions, "
        "the others being slowed down by what else the machine did. *Calls*: as a multiple of the "
        "empty call through a function table. What a missed one is made of is below, under "
        "*Instructions and time*; why, in [design.md](design.md#where-the-time-goes).",
        ("work", "unit", "best peer", "to reach", "promplug", "least", "calls", ""), names=2)
    empty = figures.value("hot/empty_call/loaded_object/1")
    for goal in GOALS:
        value = figures.value(goal.key)
        limit = figures.value(goal.limit) if isinstance(goal.limit, str) else goal.limit
        if value is None or limit is None:
            continue
        peer = figures.best_peer(goal.peers) if goal.peers else None
        best = None if goal.more_is_better else figures.least(goal.key)
        made.add(goal.title, goal.unit, number(peer), number(limit), number(value), number(best),
                 times(value, empty) if goal.in_calls else DASH,
                 verdict(value, limit, goal.more_is_better))
    return made
