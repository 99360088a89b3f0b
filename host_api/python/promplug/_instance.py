# SPDX-License-Identifier: MIT
"""Who owns an instance of the plugin, and the handles of its series.

A call with a handle holds a reference to it, a handle one to its instance, and the instance is
destroyed with the last reference: no handle can outlive what it points into. What is passed to a
call is byref(handle), which is made once: ctypes takes it as it is, where it would convert a
c_void_p at each call.
"""
from ctypes import Structure, byref, c_void_p

from . import _abi
from ._library import Api
from .errors import check


class Instance:
    """A promplug_instance. Destroyed with its last reference, if it is stopped by then."""

    def __init__(self, api: Api, pointer: c_void_p):
        self.api = api
        self.pointer = pointer
        self.alive = True

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
        handle.instance = self
        handle.pinned = result == _abi.OK
        return handle


class Handle(Structure):
    """The promplug_metric at its address, pinned until the last reference is gone."""
    _fields_ = ()
    instance = None
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
