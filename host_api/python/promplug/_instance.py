# SPDX-License-Identifier: MIT
"""Who owns an instance of the plugin, and the handles of its series.

A call with a handle holds a reference to it, a handle one to its instance, and the instance is
destroyed with the last reference: no handle can outlive what it points into. What is passed to a
call is byref(handle), which is made once: ctypes takes it as it is, where it would convert a
c_void_p at each call.
"""
from ctypes import Structure, byref, c_void_p

from . import _abi, _fork
from ._library import Api
from ._log import logger
from .errors import check

# Observations from before load(), each of which is one update; so many take about a second.
_MAX_REPLAYED = 10_000_000


class Instance:
    """A promplug_instance. Destroyed with its last reference, if it is stopped by then."""

    def __init__(self, api: Api, pointer: c_void_p):
        self.api = api
        self.pointer = pointer
        self.alive = True
        self._replayed = 0

    def __del__(self):
        self.alive = False
        # E_BUSY and E_FORKED leave it to the end of the process.
        self.api.destroy(self.pointer)

    def family(self, desc: _abi.FamilyDesc) -> c_void_p:
        """Finds or makes the family of that description; raises Error."""
        family, error = c_void_p(), _abi.Error()
        check(self.api.family(self.pointer, byref(desc), byref(family), byref(error)), error)
        return family

    def series(self, family: c_void_p, values) -> "Handle":
        """Finds or makes the series with these label values.

        On failure (over the limit of the family, in an inert fork child) it is one that counts for
        nothing, `pinned` is False, and the plugin's own metrics tell of it.
        """
        pointer = c_void_p()
        result = self.api.metric(family, _abi.texts(values), len(values), byref(pointer), None)
        handle = Handle.from_address(pointer.value or 0)
        handle.instance, handle.family = self, family
        handle.pinned = result == _abi.OK
        return handle

    def live_series(self) -> int:
        """Those that are exposed, of all families."""
        out = _abi.Status()
        self.api.status(self.pointer, byref(out))
        return out.series

    def allow_replay(self, observed: int) -> int:
        """How many of so many observations from before load() may be handed over, at most all.
        The first time that it is fewer is told."""
        with _fork.lock:
            left = _MAX_REPLAYED - self._replayed
            told = left < 0
            self._replayed += observed
        allowed = min(observed, max(left, 0))
        if allowed < observed and not told:
            logger.warning("there were more than %d observations before the plugin was loaded: "
                           "beyond these they are left out", _MAX_REPLAYED)
        return allowed


class Handle(Structure):
    """The promplug_metric at its address, pinned until the last reference is gone."""
    _fields_ = ()
    instance = family = None
    pinned = False

    def __del__(self):
        # Of garbage that hangs together the instance may be the first to go, with all its handles.
        if self.pinned and self.instance.alive:
            self.instance.api.metric_release(byref(self))


def handle_of(argument) -> Handle:
    """The handle that was passed to byref()."""
    return argument._obj


# Ignored by every update.
NULL = byref(Handle.from_address(0))
