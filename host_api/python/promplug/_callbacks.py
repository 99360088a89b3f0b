# SPDX-License-Identifier: MIT
"""Python objects behind the `user` pointer of the plugin's callbacks.

The plugin is given a number, never the address of an object: a callback that comes late finds
nothing instead of freed memory. The C functions are made once, for the life of the process.
"""
import itertools
from typing import Any

_numbers = itertools.count(1)
_objects = {}


def keep(thing: Any) -> int:
    """A number to pass as `user`; `thing` lives until drop(number)."""
    number = next(_numbers)
    _objects[number] = thing
    return number


def find(number: int) -> Any:
    """The object of that number, or None."""
    return _objects.get(number)


# The interpreter's end takes the names of modules away before the last instance calls back.
def drop(number: int, _forget=_objects.pop) -> None:
    """Forgets it; of a number that is not known nothing happens."""
    _forget(number, None)
