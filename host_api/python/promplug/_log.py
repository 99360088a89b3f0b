# SPDX-License-Identifier: MIT
"""The plugin's lines go to logging, logger "promplug". Its levels are those of logging."""
import logging
from ctypes import string_at

from . import _abi, _callbacks

logger = logging.getLogger("promplug")


def _log(user, level, text, size):
    chosen = _callbacks.find(user) or logger
    chosen.log(level, "%s", string_at(text, size).decode("utf-8", "replace"))


LOG = _abi.LogFn(_log)
