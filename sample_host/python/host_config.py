# SPDX-License-Identifier: MIT
"""What the server reads from its own file; README.md describes the keys."""
import dataclasses
import pathlib
from typing import Tuple


class HostConfigError(Exception):
    """FILE:LINE: what is wrong and what is expected."""


@dataclasses.dataclass
class HostConfig:
    listen: Tuple[str, int] = ("127.0.0.1", 8000)  # port 0: any free one
    plugin: str = ""         # empty: no metrics
    plugin_config: str = ""  # empty: none
    threads: int = 8
    slow_ms: int = 250
    stop_timeout_ms: int = 5000


def load_host_config(path: str) -> HostConfig:
    """The configuration in that file. Raises HostConfigError; the text is for a person."""
    directory = pathlib.Path(path).absolute().parent
    config = HostConfig()
    try:
        lines = pathlib.Path(path).read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        raise HostConfigError(f"{path}: cannot be read") from None
    for number, line in enumerate(lines, 1):
        text = line.split("#")[0].strip()
        if not text:
            continue
        key, equals, value = (part.strip() for part in text.partition("="))
        if not equals:
            raise HostConfigError(f"{path}:{number}: expected KEY = VALUE")
        try:
            _apply(config, key, value, directory)
        except ValueError as expected:
            raise HostConfigError(f"{path}:{number}: {key} = {value}: expected {expected}") from None
    return config


def _apply(config: HostConfig, key: str, value: str, directory: pathlib.Path) -> None:
    """Raises ValueError that says what is expected."""
    if key == "listen":
        config.listen = _address(value)
    elif key in ("plugin", "plugin_config"):
        if not value:
            raise ValueError("a path")
        setattr(config, key, str(directory / value))
    elif key == "threads":
        config.threads = _number(value, 1, 256, "a number, 1 to 256")
    elif key in ("slow_ms", "stop_timeout_ms"):
        setattr(config, key, _number(value, 0, 3600000, "milliseconds, 0 to 3600000"))
    else:
        raise ValueError("one of " + ", ".join(f.name for f in dataclasses.fields(HostConfig)))


def _address(value: str) -> Tuple[str, int]:
    host, _, port = value.rpartition(":")
    if not host:
        raise ValueError("HOST:PORT")
    return host.strip("[]"), _number(port, 0, 65535, "HOST:PORT")


def _number(text: str, lowest: int, highest: int, expected: str) -> int:
    if not (text.isascii() and text.isdigit() and lowest <= int(text) <= highest):
        raise ValueError(expected)
    return int(text)
