# SPDX-License-Identifier: MIT
"""What instruments count before there is a plugin, in constant memory.

Each has the update functions of its kind, called as the plugin's are (the handle, which is ignored,
then the value as c_double; an exemplar is not kept), and flush(api, handle, switch), which hands
over what was counted to the series of that handle, and calls switch() to have the child's updates
go there: all under _fork.lock, so that none is lost and none counts twice. A second flush() does
nothing.
"""
import bisect
from ctypes import byref, c_double
from typing import List

from . import _abi, _fork
from ._instance import handle_of

_SLICE = 4096  # updates in one call, which gives up the GIL


def _counted(amount: c_double) -> float:
    """NaN is ignored, as it is by the plugin."""
    return amount.value if amount.value == amount.value else 0.0


class PendingCounter:
    def __init__(self, child):
        self.child, self.amount, self.flushed = child, 0.0, False

    def inc(self, handle) -> None:
        self.add(handle, c_double(1))

    def add(self, _handle, amount: c_double) -> None:
        with _fork.lock:
            if not self.flushed:
                self.amount += _counted(amount)
                return
        self.child.inc(amount.value)

    def add_exemplar(self, handle, amount: c_double, _exemplar) -> None:
        self.add(handle, amount)

    def flush(self, api, handle, switch) -> None:
        with _fork.lock:
            if self.flushed:
                return
            self.flushed = True
            if self.amount:
                api.hot_counter_add(handle, c_double(self.amount))
            switch()


class PendingGauge:
    def __init__(self, child):
        self.child, self.value, self.flushed = child, 0.0, False

    def set(self, _handle, value: c_double) -> None:
        with _fork.lock:
            if not self.flushed:
                self.value = value.value if value.value == value.value else self.value
                return
        self.child.set(value.value)

    def add(self, _handle, amount: c_double) -> None:
        with _fork.lock:
            if not self.flushed:
                self.value += _counted(amount)
                return
        self.child.inc(amount.value)

    def flush(self, api, handle, switch) -> None:
        with _fork.lock:
            if self.flushed:
                return
            self.flushed = True
            if self.value:
                api.hot_gauge_set(handle, c_double(self.value))
            switch()


class PendingObservations:
    """Counts and sums by bucket. They are handed over as so many observations of their mean, kept
    within what was observed: the buckets and the count are exact, and the sum but for rounding. Of
    more than an instance takes (Instance.allow_replay) each bucket loses the same share."""

    def __init__(self, child, bounds=()):
        self.child, self.bounds, self.flushed = child, bounds, False
        self.buckets: List[List[float]] = [[0, 0.0, 0.0, 0.0] for _ in range(len(bounds) + 1)]

    def observe(self, _handle, observed: c_double) -> None:
        value = observed.value
        if value != value:
            return
        with _fork.lock:
            if not self.flushed:
                bucket = self.buckets[bisect.bisect_left(self.bounds, value)]
                bucket[2] = min(bucket[2], value) if bucket[0] else value
                bucket[3] = max(bucket[3], value) if bucket[0] else value
                bucket[0] += 1
                bucket[1] += value
                return
        self.child.observe(value)

    def observe_exemplar(self, handle, value: c_double, _exemplar) -> None:
        self.observe(handle, value)

    def flush(self, api, handle, switch) -> None:
        with _fork.lock:
            if self.flushed:
                return
            self.flushed = True
            switch()
            buckets, self.buckets = self.buckets, []
        series = handle_of(handle)
        observed = sum(bucket[0] for bucket in buckets)
        if not observed or not series.pinned:
            return
        allowed = series.instance.allow_replay(observed)
        # Not under the lock: on a summary the plugin takes one of its own.
        for count, total, lowest, highest in buckets:
            if count:
                self._replay(api, series.family, min(max(total / count, lowest), highest),
                             count * allowed // observed)

    def _replay(self, api, family, value: float, count: int) -> None:
        values = self.child._labelvalues
        labels = _abi.texts(values)
        update = _abi.Update(family=family, label_values=labels, n_label_values=len(values),
                             op=_abi.OP_OBSERVE, value=value)
        updates = (_abi.Update * min(count, _SLICE)).from_buffer_copy(
            bytes(update) * min(count, _SLICE))
        for done in range(0, count, _SLICE):
            api.update_many(byref(updates), min(count - done, _SLICE))
