# SPDX-License-Identifier: MIT
"""The answer to a scrape, for servers that have a thread for it. asgi.py has the other way."""
from ctypes import byref, string_at
from typing import Any, Iterable, List, NamedTuple, Optional, Tuple

from . import _abi, _binding, _callbacks
from .errors import Error, StateError, check

Headers = List[Tuple[str, str]]


class Answer(NamedTuple):
    """A whole answer. Its headers lack Content-Length, which is that of the body."""
    status: int
    headers: Headers
    body: bytes


class _Collected:
    def __init__(self):
        self.status = 0
        self.headers: Headers = []
        self.pieces: List[bytes] = []


def handle_request(plugin: Any, method: str = "GET", path: str = "/metrics", query: str = "",
                   headers: Iterable[Tuple[str, str]] = (), *, mounted: bool = False,
                   timeout: float = 0) -> Optional[Answer]:
    """The plugin's answer, or None where the path is not its own.

    path     without the query. mounted: the caller chose it, it is not compared with scrape.path.
    timeout  seconds for the collectors; 0: the scraper's header, else the configuration.

    Waits for the collectors, without the GIL. Raises StateError where the plugin does not run.
    """
    flags = _abi.REQ_NEED_LENGTH | (_abi.REQ_MOUNTED if mounted else 0)
    request = make_request(method, path, query, headers, flags)
    request.timeout_ms = int(timeout * 1000)
    collected, error = _Collected(), _abi.Error()
    number = _callbacks.keep(collected)
    response = _abi.Response(user=number, begin=_BEGIN, write=_WRITE)
    instance = plugin.instance()
    try:
        code = instance.api.handle_request(instance.pointer, byref(request), byref(response),
                                           byref(error))
    finally:
        _callbacks.drop(number)
    if check(code, error, "scrape") == _abi.NOT_HANDLED:
        return None
    return Answer(collected.status, collected.headers, b"".join(collected.pieces))


def generate_latest(plugin: Optional[Any] = None) -> bytes:
    """All metrics as text, as prometheus_client's function of that name.

    Raises StateError where no plugin runs, and Error where it refuses (too many scrapes at once).
    """
    chosen = plugin or _binding.default()
    if chosen is None:
        raise StateError("no plugin is loaded")
    answer = handle_request(chosen, mounted=True)
    if answer.status != 200:
        raise Error(f"scrape: {answer.status} {answer.body.decode('utf-8', 'replace').strip()}")
    return answer.body


def is_scrape(plugin: Any, path: str, chosen: Optional[str] = None) -> bool:
    """Whether a request for that path is for the plugin: the `chosen` one, or, where that is None,
    scrape.path of its configuration. Never waits."""
    if chosen is not None:
        return path == chosen
    return plugin.metrics_path.is_own(plugin, path)


def make_request(method: str, path: str, query: str, headers: Iterable[Tuple[str, str]],
                 flags: int) -> _abi.Request:
    """A promplug_request that keeps its texts alive itself."""
    given = list(headers)
    return _abi.Request(flags=flags, method=_abi.text(method), path=_abi.text(path),
                        query=_abi.text(query), headers=_abi.pairs(given), n_headers=len(given))


def read_headers(headers, count: int) -> Headers:
    """Those that the plugin gives with an answer."""
    return [(_abi.read(headers[i].key), _abi.read(headers[i].value)) for i in range(count)]


def _begin(user, status, headers, count, _length) -> int:
    collected = _callbacks.find(user)
    collected.status, collected.headers = status, read_headers(headers, count)
    return 0


def _write(user, data, size) -> int:
    _callbacks.find(user).pieces.append(string_at(data, size))
    return 0


_BEGIN = _abi.BeginFn(_begin)
_WRITE = _abi.WriteFn(_write)
