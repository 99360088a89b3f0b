# SPDX-License-Identifier: MIT
"""What goes wrong, as exceptions that carry the plugin's own text."""
from . import _abi


class Error(Exception):
    """A call of the plugin failed. `code` is the PROMPLUG_E_* number, 0 where there is none."""

    def __init__(self, text: str, code: int = 0):
        super().__init__(text)
        self.code = code


class LoadError(Error):
    """The plugin cannot be loaded: no such file, not a plugin, or of another ABI version."""


class ConfigError(Error):
    """File, environment or override is not acceptable; the text names source, key and value."""


class StateError(Error):
    """Not possible in this state: not running, push is off, or a fork child without the plugin."""


class TimedOut(Error):
    """Not done in time; it goes on in the background."""


class InputOutputError(Error):
    """A port could not be bound, or a peer was not reached or refused."""


_KINDS = {_abi.E_CONFIG: ConfigError, _abi.E_STATE: StateError, _abi.E_FORKED: StateError,
          _abi.E_REENTRANT: StateError, _abi.E_TIMEOUT: TimedOut, _abi.E_IO: InputOutputError}
_NAMES = {number: name for name, number in vars(_abi).items() if name.startswith("E_")}


def make_error(code: int, text: str = "", what: str = "") -> Error:
    """The exception of a failed call: `what` was tried, `text` is the plugin's (may be empty)."""
    said = text or _NAMES.get(code, f"error {code}")
    return _KINDS.get(code, Error)(f"{what}: {said}" if what else said, code)


def check(code: int, record: _abi.Error, what: str = "") -> int:
    """`code` unless it is a failure, which is raised with the text of `record`."""
    if code < 0:
        raise make_error(code, record.text.decode("utf-8", "replace"), what)
    return code
