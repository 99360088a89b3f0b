# SPDX-License-Identifier: MIT
"""How gauges of several processes become one, by the names of prometheus_client.

The two names of a pair are one here: a process that is gone has no gauges.
"""
from . import _abi

_MODES = {"all": _abi.MODE_PER_WORKER, "sum": _abi.MODE_SUM, "max": _abi.MODE_MAX,
          "min": _abi.MODE_MIN, "mostrecent": _abi.MODE_LATEST}
_MODES.update({"live" + name: mode for name, mode in _MODES.items()})


def process_mode(name: str) -> int:
    """The PROMPLUG_MODE_* of that name. Raises ValueError for one that is not known."""
    if name not in _MODES:
        raise ValueError(f"Invalid multiprocess mode: {name}")
    return _MODES[name]
