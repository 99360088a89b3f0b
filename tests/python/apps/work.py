# SPDX-License-Identifier: MIT
"""What the workers of test_workers.py count, in every way that the package has."""
import os

import promplug
from prometheus_client import CollectorRegistry, Counter, Gauge

MODES = ("all", "liveall", "min", "livemin", "max", "livemax", "sum", "livesum", "mostrecent", "livemostrecent")
work = promplug.Counter("work", "x", ["n"])
seconds = promplug.Histogram("work_seconds", "x")
levels = [promplug.Gauge("level_" + mode, "x", multiprocess_mode=mode) for mode in MODES]
promplug.Gauge("asked", "x", multiprocess_mode="sum").set_function(lambda: 3)
own = CollectorRegistry()
client = Counter("client_work", "x", registry=own)
client_level = Gauge("client_level", "x", registry=own, multiprocess_mode="livesum")
client_max = Gauge("client_max", "x", ["k"], registry=own, multiprocess_mode="max")
promplug.bridge(own)
promplug.register_collector("process", lambda: [
    ("worker_pid", "gauge", "x", [({}, os.getpid())])])
promplug.register_collector("one", lambda: [("leader_pid", "gauge", "x", [({}, os.getpid())])], one_process=True)
promplug.register_collector("summed", lambda: [("pool", "gauge", "x", [({}, 2)])], multiprocess_mode="sum")


def do(n):
    """One piece of work; what the process says of itself is its pid."""
    work.labels(str(n)).inc()
    seconds.observe(0.5)
    client.inc()
    for gauge in [*levels, client_level, client_max.labels("v")]:
        gauge.set(os.getpid())
    return {"pid": os.getpid()}


def push():
    """Whether this process may push."""
    try:
        promplug.default_plugin().push_now()
        return {"pid": os.getpid(), "pushed": True}
    except promplug.StateError:
        return {"pid": os.getpid(), "pushed": False}
