# SPDX-License-Identifier: MIT
"""What happens to plugins at fork and at exit.

`lock` guards the short steps of this package that several attributes take part in. It is not held
over a call of the plugin that may wait: the forking thread takes it while such calls stand still.
Use it as `_fork.lock`: a fork child has another one.
"""
import atexit
import os
import sys
import threading
from typing import List

lock = threading.RLock()
_LOCK_SECONDS = 2
# Modules whose children are about to run another program. The first runs the hooks where it has a
# preexec_fn; out of the second uvloop, which is C, forks and always runs them.
_STARTERS = ("subprocess", "asyncio.subprocess")
_plugins: List = []
_forking = threading.local()
_installed = False


def watch(plugin) -> None:
    """From now on `plugin` takes part in forks, and is stopped at exit."""
    global _installed
    with lock:
        _plugins.append(plugin)
        if _installed:
            return
        _installed = True
    # Before a fork the hooks run in the reverse order. Ours come after those of the modules that
    # are imported by now, logging among them: what those lock before the fork would keep a log line
    # or a collector from ending while fork_prepare() waits for it.
    os.register_at_fork(before=_before, after_in_parent=_after_in_parent,
                        after_in_child=_after_in_child)
    atexit.register(_at_exit)


def plugins() -> List:
    """Those that take part."""
    return list(_plugins)


def unwatch(plugin) -> None:
    with lock:
        if plugin in _plugins:
            _plugins.remove(plugin)


def _before() -> None:
    _forking.prepared = [plugin for plugin in list(_plugins) if plugin._fork_prepare()]
    # Not for ever: garbage that is collected under the lock may release a series, which waits.
    _forking.locked = lock.acquire(timeout=_LOCK_SECONDS)


def _after_in_parent() -> None:
    if _forking.locked:
        lock.release()
    for plugin in _forking.prepared:
        plugin._fork_parent()


def _after_in_child() -> None:
    global lock
    lock = threading.RLock()
    lives = sys._getframe(1).f_globals.get("__name__") not in _STARTERS
    for plugin in list(_plugins):
        plugin._fork_child(plugin in _forking.prepared, lives)


def _at_exit() -> None:
    for plugin in list(_plugins):
        plugin._at_exit()
