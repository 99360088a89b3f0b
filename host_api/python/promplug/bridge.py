# SPDX-License-Identifier: MIT
"""What is instrumented with prometheus_client already, without a change to it."""
from typing import Any, Iterable, Optional

from .collectors import Collector, register_collector


def bridge(registry: Optional[Any] = None, plugin: Optional[Any] = None,
           name: str = "prometheus_client", process_metrics: bool = False,
           timeout: float = 0) -> Collector:
    """Has the plugin expose everything in that CollectorRegistry, by default REGISTRY.

    Histograms, summaries, info, enum, exemplars and created times come over as what they are, and
    the multiprocess_mode of its gauges says how several workers become one.
    process_metrics  whether its process_* families are exposed: the plugin has them itself.
    """
    if registry is None:
        from prometheus_client import REGISTRY
        registry = REGISTRY

    def collect() -> Iterable:
        for family in registry.collect():
            if process_metrics or not family.name.startswith("process_"):
                yield family

    def gauge_mode(gauge: str) -> str:
        # What collect() gives does not tell it; a collector that is no Gauge has none.
        known = getattr(registry, "_names_to_collectors", {})
        return getattr(known.get(gauge), "_multiprocess_mode", "all")

    return register_collector(name, collect, plugin, timeout=timeout, multiprocess_mode=gauge_mode)
