# SPDX-License-Identifier: MIT
"""Which path the plugin answers: scrape.path of its configuration, which the ABI does not tell."""
from ctypes import byref, c_void_p
from typing import Any, Optional

from . import _abi, _fork
from .errors import StateError

_USUAL = "/metrics"


class MetricsPath:
    """Learned by asking, and then compared: asking costs more than all else at a request.

    It is asked with a method that is answered with 405 where the path is the plugin's: no collector
    sees it, and the plugin counts one scrape. Thread-safe.
    """

    def __init__(self):
        self._known: Optional[str] = None
        self._usual_was_asked = False
        self._generation = 0

    def is_own(self, plugin: Any, path: str) -> bool:
        """Whether the plugin answers that path. False while it does not run. Never waits."""
        known = self._known
        return path == (self._learn(plugin, path) if known is None else known)

    def forget(self) -> None:
        """The configuration was read again."""
        with _fork.lock:
            self._generation += 1
            self._known, self._usual_was_asked = None, False

    def _learn(self, plugin: Any, path: str) -> Optional[str]:
        generation = self._generation
        try:
            instance = plugin.instance()
        except StateError:  # it is closed
            return None
        for candidate in (path,) if self._usual_was_asked else (_USUAL, path):
            code = _ask(instance, candidate)
            with _fork.lock:
                if generation != self._generation:
                    return candidate if code == _abi.OK else None
                if code == _abi.OK:
                    self._known = candidate
                    return candidate
                self._usual_was_asked |= code == _abi.NOT_HANDLED
        return None


def _ask(instance: Any, path: str) -> int:
    request = _abi.Request(method=_abi.text("POST"), path=_abi.text(path))
    scrape = c_void_p()
    code = instance.api.scrape_begin(instance.pointer, byref(request), _READY, None, byref(scrape),
                                     None)
    if code in (_abi.OK, _abi.AGAIN):
        instance.api.scrape_end(scrape)
        return _abi.OK
    return code


# Of an answer that nobody waits for.
_READY = _abi.ReadyFn(lambda _: None)
