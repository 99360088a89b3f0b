# SPDX-License-Identifier: MIT
"""promplug for Python: metrics with the habits of prometheus_client, in a plugin that answers
scrapes and pushes by itself.

    import promplug
    REQUESTS = promplug.Counter("photo_requests", "Requests.", ["method"])
    promplug.load("/usr/lib/promplug/promplug.so", "promplug.yml")
    REQUESTS.labels("GET").inc()

docs/hosts.md of promplug describes it. Nothing but Python is needed: promplug.so is called through
ctypes. promplug.asgi, promplug.wsgi and promplug.fastapi instrument web applications.
"""
from .bridge import bridge
from .collectors import Collector, collector, register_collector
from .errors import ConfigError, Error, InputOutputError, LoadError, StateError, TimedOut
from .gather import gather, get_sample_value
from .metrics import Counter, Gauge, Histogram, Summary
from .plugin import Plugin, Status, default_plugin, load
from .scrape import generate_latest, handle_request
from .states import Enum, Info

__all__ = ["Collector", "ConfigError", "Counter", "Enum", "Error", "Gauge", "Histogram", "Info",
           "InputOutputError", "LoadError", "Plugin", "StateError", "Status", "Summary", "TimedOut",
           "bridge", "collector", "default_plugin", "gather", "generate_latest", "get_sample_value",
           "handle_request", "load", "register_collector"]
