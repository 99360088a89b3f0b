# SPDX-License-Identifier: MIT
"""The tables of the measured figures."""
from drivers import PEERS

PEER_TITLES = {"prometheus_cpp": "prometheus-cpp", "client_golang": "client_golang",
               "victoriametrics": "VictoriaMetrics", "python": "Python"}
EVERYBODY = ("promplug", *PEERS)
# client_golang pushes in two formats.
PEER_KEYS = (*PEERS, "client_golang_protobuf", "client_golang_text")
NAMES = ("promplug", *(PEER_TITLES[who] for who in PEERS))

HOT = [
    ("inc", "counter: increment"),
    ("add", "counter: add a whole number"),
    ("add_fraction", "counter: add a fraction"),
    ("set", "gauge: set"),
    ("observe", "histogram of 12 buckets: observe"),
    ("look_up_inc", "look-up by 3 labels, and increment"),
]
SCRAPES = [
    ("counters", "counters, 3 labels"),
    ("histograms", "histograms, 12 buckets"),
    ("gauges", "gauges, full doubles"),
]
ROOMS = [
    *((f"{work}/{form}", f"encoder alone, {title}, {format_title}")
      for work, title in (("Counters", "counters"), ("Histograms", "histograms"),
                          ("Gauges", "gauges of full doubles"))
      for form, format_title in (("Text", "text 0.0.4"), ("OpenMetrics", "OpenMetrics"),
                                 ("Protobuf", "protobuf"))),
    ("Compress/GzipByIsal", "gzip by ISA-L, level 1"),
    ("Compress/GzipByZlib", "gzip by zlib, level 1"),
    ("Compress/Zstd", "zstd, level 1"),
    ("CleanDefault", "relay: cleaning what node_exporter says"),
    ("CleanAllCollectors", "relay: the same with all its collectors (174 kB)"),
    ("CleanAndStage", "relay: that and staging, compressed"),
    *((f"Merge/{work}", f"merging 64 processes of 1 000 {title} each, a point")
      for work, title in (("Counters", "counters"),
                          ("CountersInAnyOrder", "counters, each in an order of its own,"),
                          ("Histograms", "histograms of 13 buckets"),
                          ("HistogramsInAnyOrder", "such histograms, in an order of its own,"),
                          ("GaugesByWorker", "gauges that are shown by worker"))),
    ("ReadSet/Counters", "reading 64 processes of 1 000 counters as a scrape does, a point"),
    ("ReadSet/Histograms", "reading 64 processes of 1 000 histograms, a point"),
    ("Decode/Counters", "reading what a process left, counters, a point"),
    ("Decode/Histograms", "reading what a process left, histograms, a point"),
]
CODINGS = [("identity", "plain"), ("gzip", "gzip"), ("zstd", "zstd")]
DASH = "-"


class Table:
    def __init__(self, title, text, head, names=1):
        """names: how many columns in front say what the figures of a row are."""
        self.title, self.text, self.head, self.names, self.rows = title, text, head, names, []

    def add(self, *cells):
        """Not where there is no figure."""
        if any(cell != DASH for cell in cells[self.names:]):
            self.rows.append(cells)


class Figures:
    """The values of a result by key; None for what was not measured."""

    def __init__(self, result):
        self.measures = result["measures"]

    def value(self, key):
        measure = self.measures.get(key)
        return None if measure is None else measure["value"]

    def least(self, key):
        measure = self.measures.get(key)
        return None if measure is None else measure.get("least", measure["value"])

    def under(self, prefix):
        """What comes after the prefix, and the value, in the order of the result."""
        return [(key.removeprefix(prefix), measure["value"])
                for key, measure in self.measures.items() if key.startswith(prefix)]

    def of_all(self, form):
        """promplug's and each peer's, of keys that differ by who."""
        return [self.value(form.format(who=who)) for who in EVERYBODY]

    def best_peer(self, form):
        values = (self.value(form.format(who=who)) for who in PEER_KEYS)
        return min((v for v in values if v is not None), default=None)

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


def compared(figures, form):
    """The cells of promplug, the peers, and the ratio of the best of them."""
    values = figures.of_all(form)
    return [*map(number, values), times(figures.best_peer(form), values[0])]


def hot_table(figures):
    table = Table(
        "Updates",
        "ns for one update; promplug's through the function table of the loaded plugin. With 2 "
        "threads both update the same series. *Best*: the best peer's as a multiple of promplug's. "
        "*Limit*: a relaxed atomic addition (gauge: a store) compiled into the program, each thread "
        "on a cache line of its own. *Calls*: as a multiple of an empty call through the function "
        "table of a loaded object. VictoriaMetrics' histogram has ranges instead of buckets, its "
        "gauge is a FloatCounter, and its look-up is by one string that is put together by `+`.",
        ("work", "threads", *NAMES, "best", "limit", "calls"), names=2)
    for work, title in HOT:
        for threads in (1, 2):
            form = f"hot/{work}/{{who}}/{threads}"
            empty = figures.value(f"hot/empty_call/loaded_object/{threads}")
            table.add(title, str(threads), *compared(figures, form),
                      number(figures.value(form.format(who="limit"))),
                      times(figures.value(form.format(who="promplug")), empty))
    return table


def unit_table(figures):
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
            ("look_up_inc/promplug_idle", "promplug, look-up and increment, not spread"),
            ("inc/promplug_set", "promplug, counter: increment, one of several processes"),
            ("observe/promplug_set", "promplug, histogram: observe, one of several processes"),
            ("look_up_inc/promplug_set",
             "promplug, look-up and increment, one of several processes")):
        table.add(title, *(number(figures.value(f"hot/{key}/{threads}")) for threads in (1, 2)))
    return table


def tail_table(figures):
    series = figures.value("tail/series")
    table = Table(
        "Updates beside a scrape",
        "ns by the clock for single updates, the clock's own time included (first row), while "
        f"nothing else runs (quiet) and while another thread scrapes {number(series)} series again "
        "and again.",
        ("work", "who", "p50 quiet", "scraped", "p99 quiet", "scraped", "p99.9 quiet", "scraped"),
        names=2)
    for work, title in (("clock", "nothing: the clock alone"), *HOT):
        for who, name in zip(EVERYBODY, NAMES):
            table.add(title, name,
                      *(number(figures.value(f"tail/{work}/{who}/{state}/{percentile}"))
                        for percentile in ("p50", "p99", "p999")
                        for state in ("quiet", "scraped")))
    return table


def scrape_table(figures):
    table = Table(
        "Scrape into memory",
        "ns for each line of a whole scrape into a sink that drops it. promplug: handle_request(). "
        "The others: what their HTTP handlers write. *Best*: the best peer's as a multiple of "
        "promplug's. *Limit*: memcpy of the same bytes.",
        ("work", "lines", *NAMES, "best", "limit", "promplug MB/s"), names=2)
    for work, title in SCRAPES:
        for lines in figures.sizes(f"scrape/{work}"):
            form = f"scrape/{work}/{{who}}/{lines}/line"
            table.add(title, lines, *compared(figures, form),
                      number(figures.value(form.format(who="memcpy"))),
                      number(figures.value(f"scrape/{work}/promplug/{lines}/speed")))
    return table


def gzip_table(figures):
    table = Table(
        "Scrape into memory, compressed",
        "MB of text a second of CPU, text and gzip together. prometheus-cpp as its Exposer does it: "
        "the whole text in memory, then zlib at its default level.",
        ("counters", "promplug", "prometheus-cpp", "ratio", "compression",
         "compression of prometheus-cpp"))
    for lines in figures.sizes("scrape/counters_gzip"):
        ours, peer = (f"scrape/counters_gzip/{who}/{lines}"
                      for who in ("promplug", "prometheus_cpp"))
        speeds = figures.value(f"{ours}/speed"), figures.value(f"{peer}/speed")
        table.add(lines, number(speeds[0]), number(speeds[1]), times(*speeds),
                  times(figures.value(f"{ours}/compression"), 1),
                  times(figures.value(f"{peer}/compression"), 1))
    return table


def memory_table(figures):
    table = Table(
        "Memory",
        "*Peak*: the most MiB resident during a first scrape beyond what was before. *Series*: "
        "resident bytes for each series, its labels included. *Allocations*: of the whole process "
        "during one scrape. Python's scrape gives the text as a whole, the others write it away.",
        ("work", "lines", "what", *NAMES, "best"), names=3)
    for work, title in SCRAPES:
        for lines in figures.sizes(f"memory/{work}"):
            for what, name in (("peak", "peak MiB"), ("series", "bytes a series"),
                               ("allocations", "allocations")):
                form = f"memory/{work}/{{who}}/{lines}/{what}"
                table.add(title, lines, name, *compared(figures, form))
    return table


def http_table(figures):
    table = Table(
        "Scrapes by HTTP",
        "10 000 counters, over loopback, one client, a connection for each scrape. promplug by its "
        "own listener, prometheus-cpp by its Exposer, client_golang by promhttp, VictoriaMetrics by "
        "net/http, Python by its start_http_server(). *ms*: as the client sees it. *CPU*: of the server's process, for one scrape.",
        ("body", "what", *NAMES, "best"), names=2)
    for coding, title in CODINGS:
        for what, name in (("p50", "p50, ms"), ("p99", "p99, ms"), ("cpu", "CPU, ms"),
                           ("size", "answer, kB")):
            table.add(title, name, *compared(figures, f"http/{coding}/{{who}}/{what}"))
    return table


def push_table(figures):
    table = Table(
        "Pushes",
        "10 000 counters to a Pushgateway that has nothing else; ms for one push. The rest of the "
        "wall time is the gateway's own. promplug sends gzip, the others plain bodies. "
        "VictoriaMetrics sends by GET, which a Pushgateway refuses.",
        ("who", "client CPU", "wall"))
    for who, name in (("promplug", "promplug"), ("prometheus_cpp", "prometheus-cpp"),
                      ("client_golang_protobuf", "client_golang, protobuf"),
                      ("client_golang_text", "client_golang, text"), ("python", "Python")):
        table.add(name, *(number(figures.value(f"push/{who}/{what}")) for what in ("cpu", "wall")))
    return table


def host_table(figures):
    table = Table(
        "In a host written in C",
        "Beyond libstdc++. promplug: load, create, start, stop, scraped through the host. "
        "prometheus-cpp: loading its pull and push libraries, nothing else.",
        ("what", "promplug", "prometheus-cpp"))
    for key, title in (("start", "until it runs, ms"), ("stop", "stop and destroy, ms"),
                       ("cpu", "CPU time of both, ms"),
                       ("resident", "resident memory while it runs, MiB"),
                       ("scraped_resident", "the same after a scrape, MiB")):
        of_both = key not in ("stop", "scraped_resident")
        table.add(title, number(figures.value(f"host/promplug/{key}")),
                  number(figures.value(f"host/prometheus_cpp/{key}")) if of_both else DASH)
    return table


def room_table(figures):
    table = Table(
        "Rooms by themselves",
        "No peer has these by themselves. *Lines*: of the text format. *Peak*: the most KiB allocated "
        "at a time.",
        ("work", "MB/s", "ns a line", "compression", "peak KiB"))
    for key, title in ROOMS:
        table.add(title, *(number(figures.value(f"room/{key}/{what}"))
                           for what in ("speed", "line", "ratio", "peak_bytes")))
    return table


ALL = (hot_table, unit_table, tail_table, scrape_table, gzip_table, memory_table, http_table,
       push_table, host_table, room_table)
