# SPDX-License-Identifier: MIT
"""Which instruments, collectors and values belong to which plugin.

Something that is to be bound has bind(plugin), which may raise Error; unbind(), which never waits;
and after_restart(), called in a fork child whose values began from zero.
"""
from typing import Any, List, Optional

from . import _fork
from ._log import logger
from .errors import Error, StateError


class Bound:
    """What belongs to one plugin, or waits for the default one."""

    def __init__(self):
        self.items: List[Any] = []

    def after_restart(self) -> None:
        for item in list(self.items):
            item.after_restart()


_for_default = Bound()
_default: List[Any] = []  # the default plugin, if there is one


def default() -> Optional[Any]:
    return _default[0] if _default else None


def attach(item: Any, plugin: Optional[Any]) -> None:
    """Binds it to `plugin`, or to the default one, now or when that is loaded.

    Raises Error where the plugin refuses it; then it belongs to none.
    """
    with _fork.lock:
        bound = _for_default if plugin is None else plugin.bound
        bound.items.append(item)
        target = default() if plugin is None else plugin
    if target is None:
        return
    try:
        item.bind(target)
    except Error:
        detach(item)
        raise


def detach(item: Any) -> None:
    """It belongs to no plugin from now on."""
    with _fork.lock:
        for bound in (_for_default, *(plugin.bound for plugin in _fork.plugins())):
            if item in bound.items:
                bound.items.remove(item)


def enter(plugin: Any, as_default: bool) -> None:
    """A plugin was made. What waited for the default one and is refused is logged."""
    if not as_default:
        return
    with _fork.lock:
        if _default:
            raise StateError("a default plugin is loaded already: close it, or load with default=False")
        _default.append(plugin)
        plugin.bound = _for_default
        items = list(_for_default.items)
    for item in items:
        try:
            item.bind(plugin)
        except Error as error:
            logger.error("%r is not exposed: %s", item, error)


def leave(plugin: Any) -> None:
    """The plugin ends: what belonged to it counts for itself again."""
    with _fork.lock:
        if plugin in _default:
            _default.remove(plugin)
        items = list(plugin.bound.items)
    for item in items:
        item.unbind()
