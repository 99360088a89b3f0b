# SPDX-License-Identifier: MIT
"""ASGI middleware: counts requests, and answers scrapes without ever holding the loop."""
import asyncio
from ctypes import byref, c_size_t, c_void_p, create_string_buffer
from typing import Any, Callable, Optional, Sequence

from . import _abi, _binding, _callbacks
from ._log import logger
from .errors import Error, StateError, check
from .metrics import Histogram
from .scrape import is_scrape, make_request, read_headers
from .web import WebMetrics, route_or_none

_PIECE = 65536


class Middleware:
    """Wraps an ASGI application.

    plugin        the plugin that answers and counts; by default the one that load() made, also if
                  that is loaded later. Without any the application is served as if alone.
    metrics_path  the path that the plugin answers; None: scrape.path of its configuration.
    route_of      of a scope that was answered, the route's template or None. By default that of
                  Starlette and FastAPI.
    manage        whether the plugin is started at the application's startup (in the worker, after
                  every fork) and stopped with its last push at its shutdown.
    prefix, buckets  as WebMetrics has them.
    """

    def __init__(self, app: Callable, plugin: Optional[Any] = None, *,
                 metrics_path: Optional[str] = None,
                 route_of: Optional[Callable[[dict], Optional[str]]] = None, manage: bool = True,
                 prefix: str = "http", buckets: Sequence[float] = Histogram.DEFAULT_BUCKETS):
        self._app, self._plugin, self._metrics_path = app, plugin, metrics_path
        self._route_of, self._manage = route_of, manage
        self._metrics = WebMetrics(plugin, prefix, buckets)

    async def __call__(self, scope: dict, receive: Callable, send: Callable) -> None:
        if scope["type"] == "http":
            if not await self._answer_scrape(scope, send):
                await self._counted(scope, receive, send)
        elif scope["type"] == "lifespan" and self._manage:
            await self._app(scope, self._starting(receive), self._stopping(send))
        else:
            await self._app(scope, receive, send)

    async def _counted(self, scope, receive, send) -> None:
        status = 500  # what the server answers where the application raises

        async def send_and_see(message):
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        before = dict(scope)  # routers change it on their way
        begun = self._metrics.begin()
        try:
            await self._app(scope, receive, send_and_see)
        finally:
            route = (route_or_none(self._route_of, scope) if self._route_of is not None
                     else route_or_none(route_template, before, scope, self._app))
            self._metrics.end(begun, scope["method"], route, status)

    async def _answer_scrape(self, scope, send) -> bool:
        plugin = self._plugin or _binding.default()
        if plugin is None or not is_scrape(plugin, scope["path"], self._metrics_path):
            return False
        flags = _abi.REQ_MOUNTED
        if scope.get("http_version") == "1.0":  # it has no chunks
            flags |= _abi.REQ_NEED_LENGTH
        headers = [(name.decode("latin-1"), value.decode("latin-1"))
                   for name, value in scope["headers"]]
        request = make_request(scope["method"], scope["path"],
                               scope["query_string"].decode("latin-1"), headers, flags)
        try:
            scrape = _Scrape(plugin, request)
        except StateError:  # it does not run
            return False
        with scrape:
            if not scrape.handled:
                return False
            await scrape.answer(scope["method"], send)
        return True

    # ---- the life of the application ----------------------------------------------------------

    def _starting(self, receive):
        async def receive_and_start():
            message = await receive()
            if message["type"] == "lifespan.startup":
                await self._in_thread("start")
            return message
        return receive_and_start

    def _stopping(self, send):
        async def stop_and_send(message):
            if message["type"] in ("lifespan.shutdown.complete", "lifespan.shutdown.failed"):
                await self._in_thread("stop")
            await send(message)
        return stop_and_send

    async def _in_thread(self, method: str) -> None:
        plugin = self._plugin or _binding.default()
        if plugin is None:
            return
        try:
            loop = asyncio.get_running_loop()
            await loop.run_in_executor(None, getattr(plugin, method))
        except Error as error:
            logger.warning("%s: %s", method, error)


class _Scrape:
    """One promplug_scrape on the loop that makes it. As a context manager it ends itself."""

    def __init__(self, plugin: Any, request: _abi.Request):
        self._loop = asyncio.get_running_loop()
        self._ready = asyncio.Event()
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

    async def answer(self, method: str, send: Callable) -> None:
        """Sends the whole answer. An exception after its begin has the server abort it."""
        api, head = self._instance.api, _abi.ScrapeHeadInfo()
        await self._step(lambda: api.scrape_head(self._pointer, byref(head)))
        headers = [(name.lower().encode("latin-1"), value.encode("latin-1"))
                   for name, value in read_headers(head.headers, head.n_headers)]
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
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _step(self, call: Callable[[], int]) -> int:
        while True:
            # Before the call: what becomes ready during it may not be missed.
            self._ready.clear()
            code = call()
            if code != _abi.AGAIN:
                return check(code, _abi.Error(), "scrape")
            await self._ready.wait()


def route_template(before: dict, after: dict, app: Any) -> Optional[str]:
    """The template of the Starlette or FastAPI route that took the request, mounts included.

    before, after: the scope as it came and as the routers left it. app: what the middleware wraps.
    """
    if "endpoint" not in after:
        return None
    route = after.get("route")
    # One that FastAPI names is the whole way, unless there was a mount, which moves root_path.
    if route is not None and after.get("root_path") == before.get("root_path"):
        return route.path
    return _walk(getattr(before.get("app", app), "routes", ()), before)


def _walk(routes: Any, scope: dict) -> Optional[str]:
    from starlette.routing import Match
    partial = None
    for route in routes:
        match, child = route.matches(scope)
        if match == Match.NONE:
            continue
        path = getattr(route, "path", "")
        inner = getattr(route, "routes", None)
        if inner:
            below = _walk(inner, {**scope, **child})
            path = None if below is None else path + below
        if match == Match.FULL:
            return path
        partial = partial or path
    return partial


def _on_ready(user) -> None:
    scrape = _callbacks.find(user)
    if scrape is not None:
        scrape.on_ready()


_READY = _abi.ReadyFn(_on_ready)
