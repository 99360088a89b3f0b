# SPDX-License-Identifier: MIT
"""The answer to a scrape on an event loop, which is never held for longer than a piece takes."""
import asyncio
from ctypes import byref, c_size_t, c_void_p, create_string_buffer
from functools import partial
from typing import Any, Callable, List, Tuple

from . import _abi, _callbacks
from .errors import StateError, check
from .scrape import Headers, handle_request, make_request, read_headers

_PIECE = 65536


async def answer_scrape(plugin: Any, scope: dict, receive: Callable, send: Callable) -> bool:
    """Whether the plugin answered; it does not where it does not run."""
    headers = [(name.decode("latin-1"), value.decode("latin-1"))
               for name, value in scope["headers"]]
    asked = (scope["method"], scope["path"], scope["query_string"].decode("latin-1"), headers)
    if scope.get("http_version") == "1.0":
        return await _answer_whole(plugin, asked, send)
    try:
        scrape = _Scrape(plugin, make_request(*asked, _abi.REQ_MOUNTED))
    except StateError:
        return False
    with scrape:
        if not scrape.handled:
            return False
        await scrape.answer(scope["method"], receive, send)
    return True


async def _answer_whole(plugin: Any, asked: Tuple, send: Callable) -> bool:
    """HTTP/1.0 has no chunks, and to write all of a body at once is work for a thread."""
    handle = partial(handle_request, plugin, *asked, mounted=True)
    try:
        answer = await asyncio.get_running_loop().run_in_executor(None, handle)
    except StateError:
        return False
    if answer is None:
        return False
    headers = _raw(answer.headers)
    if asked[0] != "HEAD":
        headers.append((b"content-length", str(len(answer.body)).encode()))
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": b"" if asked[0] == "HEAD" else answer.body})
    return True


def _raw(headers: Headers) -> List[Tuple[bytes, bytes]]:
    return [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers]


class _ClientGone(Exception):
    """Nobody takes the rest of the answer."""


class _Scrape:
    """One promplug_scrape on the loop that makes it. As a context manager it ends itself."""

    def __init__(self, plugin: Any, request: _abi.Request):
        self._loop = asyncio.get_running_loop()
        self._ready = asyncio.Event()
        self._gone = False
        self._instance, self._pointer = plugin.instance(), c_void_p()
        self._number = _callbacks.keep(self)
        error = _abi.Error()
        code = self._instance.api.scrape_begin(self._instance.pointer, byref(request), _READY,
                                               self._number, byref(self._pointer), byref(error))
        self.handled = code in (_abi.OK, _abi.AGAIN)
        if code < 0:
            _callbacks.drop(self._number)
        check(code, error, "scrape")

    def __enter__(self) -> "_Scrape":
        return self

    def __exit__(self, *_) -> None:
        if self.handled:
            self._instance.api.scrape_end(self._pointer)
        _callbacks.drop(self._number)

    def on_ready(self) -> None:
        """Called by the plugin, on any thread."""
        try:
            self._loop.call_soon_threadsafe(self._ready.set)
        except RuntimeError:  # the loop has been closed meanwhile
            pass

    async def answer(self, method: str, receive: Callable, send: Callable) -> None:
        """Sends the whole answer, or what of it the client waits for. An exception after its begin
        has the server abort it."""
        watch = asyncio.ensure_future(self._watch(receive))
        try:
            await self._send(method, send)
        except _ClientGone:
            pass
        finally:
            watch.cancel()

    async def _watch(self, receive: Callable) -> None:
        try:
            while (await receive())["type"] != "http.disconnect":
                pass
        except Exception:  # a server that tells it in another way, or not: then all is sent
            return
        self._gone = True
        self._ready.set()

    async def _send(self, method: str, send: Callable) -> None:
        api, head = self._instance.api, _abi.ScrapeHeadInfo()
        await self._step(lambda: api.scrape_head(self._pointer, byref(head)))
        headers = _raw(read_headers(head.headers, head.n_headers))
        if head.content_length >= 0:
            headers.append((b"content-length", str(head.content_length).encode()))
        await send({"type": "http.response.start", "status": head.status, "headers": headers})
        if method != "HEAD":
            buffer, size = create_string_buffer(_PIECE), c_size_t()
            view = memoryview(buffer)
            while await self._step(lambda: api.scrape_read(self._pointer, buffer, _PIECE,
                                                           byref(size))) != _abi.END:
                await send({"type": "http.response.body", "body": bytes(view[:size.value]),
                            "more_body": True})
                # send() need not wait: of a server that buffers, or whose client has gone.
                await asyncio.sleep(0)
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _step(self, call: Callable[[], int]) -> int:
        while True:
            # Before the call: what becomes ready during it may not be missed.
            self._ready.clear()
            if self._gone:
                raise _ClientGone
            code = call()
            if code != _abi.AGAIN:
                return check(code, _abi.Error(), "scrape")
            await self._ready.wait()


def _on_ready(user) -> None:
    scrape = _callbacks.find(user)
    if scrape is not None:
        scrape.on_ready()


_READY = _abi.ReadyFn(_on_ready)
