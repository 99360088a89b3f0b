# SPDX-License-Identifier: MIT
"""Loads promplug.so and types the functions of its table."""
import ctypes
import os
import pathlib
from ctypes import CFUNCTYPE, PYFUNCTYPE, c_int32, c_uint32, c_void_p
from typing import Optional

from . import _abi
from .errors import LoadError

PATH_VARIABLE = "PROMPLUG_PLUGIN"
_INSTALLED = ("lib/promplug/promplug.so", "lib64/promplug/promplug.so",
              f"lib/{os.uname().machine}-linux-gnu/promplug/promplug.so")


def find_plugin() -> str:
    """The path in PROMPLUG_PLUGIN, else promplug.so beside this package, else an installed one.

    Raises LoadError where there is none.
    """
    named = os.environ.get(PATH_VARIABLE, "")
    if named:
        return named
    candidates = [pathlib.Path(__file__).parent / "promplug.so"]
    candidates += [pathlib.Path(prefix, path) for prefix in ("/usr/local", "/usr")
                   for path in _INSTALLED]
    for path in candidates:
        if path.is_file():
            return str(path)
    raise LoadError(f"no promplug.so: give its path, or set {PATH_VARIABLE}")


class Api:
    """The functions of one promplug.so under their names in promplug.h.

    All of them release the GIL, since they may wait, for another thread or for a fork that is
    under way; a thread that held the GIL meanwhile would stop the callbacks that they wait for.
    The hot_* ones, which never wait, keep it: giving it up costs more than the call.
    """

    def __init__(self, table: _abi.Table, path: str):
        self.path = path
        self.version = table.version.decode()
        for name, (result, *arguments) in _abi.SIGNATURES.items():
            address = getattr(table, name)
            setattr(self, name, CFUNCTYPE(result, *arguments)(address))
        # Without declared arguments ctypes passes byref() of a handle and a c_double as they are,
        # which is quicker than converting a number and a pointer.
        for name in ("counter_inc", "counter_add", "gauge_set", "gauge_add", "observe"):
            setattr(self, "hot_" + name, PYFUNCTYPE(None)(getattr(table, name)))
        self.hot_state_set = PYFUNCTYPE(None, c_void_p, c_uint32, c_int32)(table.state_set)


_loaded = {}


def load_library(path: Optional[str] = None) -> Api:
    """The plugin at that path, or where find_plugin() finds one. Raises LoadError.

    It is never unloaded; loading it again gives the same one.
    """
    # With a slash in it, so that nothing is searched for.
    absolute = os.path.abspath(path if path is not None else find_plugin())
    if absolute in _loaded:
        return _loaded[absolute]
    try:
        entry = _abi.EntryFn((_abi.ENTRY_NAME, ctypes.CDLL(absolute)))
    except OSError as error:
        raise LoadError(str(error)) from None
    except AttributeError:
        raise LoadError(f"{absolute} is no plugin: it has no {_abi.ENTRY_NAME}") from None
    hands = _abi.Handshake(abi_major=_abi.ABI_MAJOR, abi_minor=_abi.ABI_MINOR)
    table = entry(ctypes.byref(hands))
    if not table:
        reason = hands.text.decode("utf-8", "replace")
        raise LoadError(f"{absolute}: {reason}", hands.result)
    if table.contents.struct_size < ctypes.sizeof(_abi.Table):
        raise LoadError(f"{absolute}: its table of functions is shorter than expected")
    _loaded[absolute] = Api(table.contents, absolute)
    return _loaded[absolute]
