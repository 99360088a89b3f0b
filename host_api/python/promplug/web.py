# SPDX-License-Identifier: MIT
"""What the middlewares count of web requests."""
from time import perf_counter
from typing import Any, Callable, Dict, Optional, Sequence, Tuple

from ._log import logger
from .metrics import Counter, Gauge, Histogram

UNMATCHED = "unmatched"
_METHODS = frozenset(("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT"))


def route_or_none(find: Callable[..., Optional[str]], *arguments: Any) -> Optional[str]:
    """What `find` says; None where it raises, since no request may fail for being counted."""
    try:
        return find(*arguments)
    except Exception:
        logger.exception("the route of a request is not known")
        return None


class WebMetrics:
    """Requests, their duration, and those under way.

    PREFIX_requests_total and PREFIX_request_duration_seconds by method, route and status, and
    PREFIX_requests_in_flight. A route is a template, never a path: clients choose paths, and each
    would be a series. So is a method that HTTP does not know: it is "other".
    """

    def __init__(self, plugin: Optional[Any] = None, prefix: str = "http",
                 buckets: Sequence[float] = Histogram.DEFAULT_BUCKETS):
        labels = ("method", "route", "status")
        self._requests = Counter(f"{prefix}_requests", "Requests answered.", labels, plugin=plugin)
        self._durations = Histogram(f"{prefix}_request_duration_seconds",
                                    "Time from the request to the end of its answer.", labels,
                                    buckets=buckets, plugin=plugin)
        self._in_flight = Gauge(f"{prefix}_requests_in_flight", "Requests being answered.",
                                plugin=plugin)
        self._series: Dict[Tuple[str, str, int], Tuple[Counter, Histogram]] = {}

    def begin(self) -> float:
        """A request has come; what it returns is for end()."""
        self._in_flight.inc()
        return perf_counter()

    def end(self, begun: float, method: str, route: Optional[str], status: int) -> None:
        """It was answered. route: None where no route took it."""
        self._in_flight.dec()
        key = (method, route, status)
        series = self._series.get(key)
        if series is None:
            series = self._find(*key)
        series[0].inc()
        series[1].observe(perf_counter() - begun)

    def _find(self, method: str, route: Optional[str], status: int) -> Tuple[Counter, Histogram]:
        labels = (method if method in _METHODS else "other", route or UNMATCHED, str(status))
        series = self._requests.labels(*labels), self._durations.labels(*labels)
        if method in _METHODS:
            self._series[(method, route, status)] = series
        return series
