# SPDX-License-Identifier: MIT
"""Counter, Gauge, Histogram and Summary, with the names and habits of prometheus_client.

An update of a series is one call of the plugin that takes no lock. It holds the GIL, which costs
less than giving it up. Exemplars, and a summary, take a short lock in the plugin.
"""
import time
from ctypes import byref, c_double
from typing import Callable, Dict, Iterable, Optional, Sequence, Tuple, Type, Union

from . import _abi
from ._metric import Metric
from ._pending import PendingCounter, PendingGauge, PendingObservations
from ._process_modes import process_mode
from ._timing import ExceptionCounter, InprogressTracker, Timer
from .collectors import Registration, ValueFunction

INF = float("inf")
_ONE = 1
_ONE_DOUBLE = c_double(1)
_NEGATIVE = "Counters can only be incremented by non-negative amounts."
# Amounts that counters were incremented by, the first so many: to find one here costs less than to
# compare it and to make a c_double. None of these is ever changed.
_AMOUNTS: Dict[float, c_double] = {}
_MAX_AMOUNTS = 1024
_known_amount = _AMOUNTS.get


def _exemplar(labels: Dict[str, str]) -> _abi.Exemplar:
    if sum(len(name) + len(value) for name, value in labels.items()) > 128:
        raise ValueError("Exemplar labels have more than 128 UTF-8 characters")
    return _abi.Exemplar(labels=_abi.pairs(labels.items()), n_labels=len(labels))


class Counter(Metric):
    """It only goes up. Exposed as NAME_total, whether or not the name given ends in it."""
    kind, type_name, suffix = _abi.COUNTER, "counter", "_total"

    def inc(self, amount: float = 1, exemplar: Optional[Dict[str, str]] = None) -> None:
        """Adds `amount`, which is not negative (ValueError). An exemplar is kept until the next."""
        if exemplar is None:
            if amount is _ONE:
                self._inc(self._handle)
                return
            if self._repeats:
                try:
                    known = _known_amount(amount)
                except TypeError:  # a number that cannot be a key, such as an array of one
                    known = None
                if known is not None:
                    self._add(self._handle, known)
                    return
                self._learn(amount)
            if amount < 0.0:
                raise ValueError(_NEGATIVE)
            self._add(self._handle, c_double(amount))
            return
        if amount < 0:
            raise ValueError(_NEGATIVE)
        record = _exemplar(exemplar)
        self._add_exemplar(self._handle, c_double(amount), byref(record))

    def _learn(self, amount: float) -> None:
        """To look for amounts is of no use where new ones still come when no more are kept."""
        if len(_AMOUNTS) >= _MAX_AMOUNTS:
            self._repeats = False
        # NaN would be another key each time, and numbers of other kinds can hold much memory.
        elif type(amount) in (int, float) and amount >= 0:
            _AMOUNTS[amount] = c_double(amount)

    def count_exceptions(self, exception: Union[Type[BaseException],
                                                Tuple[Type[BaseException], ...]] = Exception
                         ) -> ExceptionCounter:
        """A context manager and decorator that counts the exceptions of that type, or types."""
        return ExceptionCounter(self, exception)

    def _init_series(self) -> None:
        self._repeats = True  # whether its amounts are looked for in _AMOUNTS
        super()._init_series()

    def _be_pending(self) -> None:
        pending = self._pending = PendingCounter(self)
        self._inc, self._add, self._add_exemplar = pending.inc, pending.add, pending.add_exemplar

    def _use(self, api, handle) -> None:
        self._inc, self._add = api.hot_counter_inc, api.hot_counter_add
        self._add_exemplar = api.counter_add_exemplar

    def _be_parent(self) -> None:
        self._inc = self._add = self._add_exemplar = self._missing_labels


class Gauge(Metric):
    """It goes up and down.

    multiprocess_mode, as in prometheus_client, says how many worker processes become one
    (docs/hosts.md has the table). Raises ValueError for one that is not known.
    """
    kind, type_name = _abi.GAUGE, "gauge"

    def __init__(self, name: str, documentation: str, labelnames: Iterable[str] = (),
                 namespace: str = "", subsystem: str = "", unit: str = "", plugin=None,
                 multiprocess_mode: str = "all"):
        self._function: Optional[Registration] = None
        super().__init__(name, documentation, labelnames, namespace, subsystem, unit, plugin,
                         process_mode(multiprocess_mode))
        self._plugin = plugin

    def inc(self, amount: float = 1) -> None:
        self._add(self._handle, _ONE_DOUBLE if amount is _ONE else c_double(amount))

    def dec(self, amount: float = 1) -> None:
        self._add(self._handle, c_double(-amount))

    def set(self, value: float) -> None:
        self._set(self._handle, c_double(value))

    def set_to_current_time(self) -> None:
        """The Unix time in seconds."""
        self._set(self._handle, c_double(time.time()))

    def track_inprogress(self) -> InprogressTracker:
        """A context manager and decorator: up by one inside, down again outside."""
        return InprogressTracker(self)

    def time(self) -> Timer:
        """A context manager and decorator that sets it to the seconds taken."""
        return Timer(self, "set")

    def set_function(self, f: Callable[[], float]) -> None:
        """From now on the value is what `f` returns, asked at each scrape, on a thread of the
        plugin; other updates do nothing. What raises is left out of the scrape."""
        if self.labelnames and not self._labelvalues:
            self._missing_labels()
        self._forget_function()
        labels = dict(zip(self.labelnames, self._labelvalues))
        self._function = ValueFunction(self.kind, self.name, self.documentation, labels, f,
                                       self.process_mode)
        self._be_ignored()
        super()._leave()
        self._function.attach(self._plugin)

    def _be_pending(self) -> None:
        if self._function is not None:
            return
        pending = self._pending = PendingGauge(self)
        self._set, self._add = pending.set, pending.add

    def _use(self, api, handle) -> None:
        self._set, self._add = api.hot_gauge_set, api.hot_gauge_add

    def _be_parent(self) -> None:
        self._set = self._add = self._missing_labels

    def _be_ignored(self) -> None:
        self._pending = None
        self._set = self._add = lambda *_: None

    def _leave(self) -> None:
        super()._leave()
        self._forget_function()

    def _may_go(self) -> bool:
        return self._function is None

    def _forget_function(self) -> None:
        if self._function is not None:
            self._function.unregister()
            self._function = None


class Histogram(Metric):
    """Observations by bucket. `buckets` are ascending upper bounds; +Inf is added."""
    kind, type_name, reserved_labels = _abi.HISTOGRAM, "histogram", ("le",)
    DEFAULT_BUCKETS = (.005, .01, .025, .05, .075, .1, .25, .5, .75, 1.0, 2.5, 5.0, 7.5, 10.0, INF)

    def __init__(self, name: str, documentation: str, labelnames: Iterable[str] = (),
                 namespace: str = "", subsystem: str = "", unit: str = "", plugin=None,
                 buckets: Sequence[Union[float, str]] = DEFAULT_BUCKETS):
        bounds = [float(bound) for bound in buckets]
        if bounds != sorted(bounds):
            raise ValueError("Buckets not in sorted order")
        if bounds and bounds[-1] == INF:
            bounds.pop()
        if not bounds:
            raise ValueError("Must have at least two buckets")
        self._bounds = tuple(bounds)
        super().__init__(name, documentation, labelnames, namespace, subsystem, unit, plugin)

    def observe(self, amount: float, exemplar: Optional[Dict[str, str]] = None) -> None:
        """Counts `amount` in its bucket. An exemplar is kept until the next of that bucket."""
        if exemplar is None:
            self._observe(self._handle, c_double(amount))
            return
        record = _exemplar(exemplar)
        self._observe_exemplar(self._handle, c_double(amount), byref(record))

    def time(self) -> Timer:
        """A context manager and decorator that observes the seconds taken."""
        return Timer(self, "observe")

    def _describe(self, desc: _abi.FamilyDesc) -> None:
        desc.buckets, desc.n_buckets = _abi.doubles(self._bounds), len(self._bounds)

    def _be_pending(self) -> None:
        pending = self._pending = PendingObservations(self, self._bounds)
        self._observe, self._observe_exemplar = pending.observe, pending.observe_exemplar

    def _use(self, api, handle) -> None:
        self._observe, self._observe_exemplar = api.hot_observe, api.observe_exemplar

    def _be_parent(self) -> None:
        self._observe = self._observe_exemplar = self._missing_labels


class Summary(Metric):
    """Count and sum of observations, and the given quantiles (each in [0,1]) of the last
    `window_seconds`."""
    kind, type_name, reserved_labels = _abi.SUMMARY, "summary", ("quantile",)

    def __init__(self, name: str, documentation: str, labelnames: Iterable[str] = (),
                 namespace: str = "", subsystem: str = "", unit: str = "", plugin=None,
                 quantiles: Sequence[float] = (), window_seconds: int = 0):
        self._quantiles, self._window_seconds = tuple(quantiles), window_seconds
        super().__init__(name, documentation, labelnames, namespace, subsystem, unit, plugin)

    def observe(self, amount: float) -> None:
        self._observe(self._handle, c_double(amount))

    def time(self) -> Timer:
        """A context manager and decorator that observes the seconds taken."""
        return Timer(self, "observe")

    def _describe(self, desc: _abi.FamilyDesc) -> None:
        desc.quantiles, desc.n_quantiles = _abi.doubles(self._quantiles), len(self._quantiles)
        desc.summary_window_seconds = self._window_seconds

    def _be_pending(self) -> None:
        self._pending = PendingObservations(self)
        self._observe = self._pending.observe

    def _use(self, api, handle) -> None:
        # It takes a lock, for which a thread that holds the GIL may not wait.
        self._observe = api.observe

    def _be_parent(self) -> None:
        self._observe = self._missing_labels
