# SPDX-License-Identifier: MIT
"""ASGI middleware: counts requests, and answers scrapes without ever holding the loop."""
import asyncio
from concurrent.futures import Future
from typing import Any, Callable, Optional, Sequence

from . import _binding, _fork
from ._asgi_scrape import answer_scrape
from ._log import logger
from .errors import Error
from .metrics import Histogram
from .scrape import is_scrape
from .web import WebMetrics, route_or_none


class Middleware:
    """Wraps an ASGI application.

    plugin        the plugin that answers and counts; by default the one that load() made, also if
                  that is loaded later. Without any the application is served as if alone.
    metrics_path  the path that the plugin answers; None: scrape.path of its configuration.
    route_of      of a scope that was answered, the route's template or None. By default that of
                  Starlette and FastAPI.
    manage        whether the plugin is started at the application's startup (in the worker, after
                  every fork) and stopped with its last push at its shutdown. Where no startup is
                  told (a server without lifespan, a mounted application) the first request starts
                  a plugin that was never started, and waits for it; the end of the process stops
                  it.
    prefix, buckets  as WebMetrics has them.
    """

    def __init__(self, app: Callable, plugin: Optional[Any] = None, *,
                 metrics_path: Optional[str] = None,
                 route_of: Optional[Callable[[dict], Optional[str]]] = None, manage: bool = True,
                 prefix: str = "http", buckets: Sequence[float] = Histogram.DEFAULT_BUCKETS):
        self._app, self._plugin, self._metrics_path = app, plugin, metrics_path
        self._route_of, self._manage = route_of, manage
        self._metrics = WebMetrics(plugin, prefix, buckets)
        self._started: Optional[Any] = None  # the plugin that startup or a request has started
        self._late_start = (None, Future())  # of a request: the plugin, and its end

    async def __call__(self, scope: dict, receive: Callable, send: Callable) -> None:
        if scope["type"] == "http":
            plugin = self._plugin or _binding.default()
            if self._manage and plugin is not self._started:
                await self._start_late(plugin)
            if not (plugin is not None and is_scrape(plugin, scope["path"], self._metrics_path)
                    and await answer_scrape(plugin, scope, receive, send)):
                await self._counted(scope, receive, send)
        elif scope["type"] == "lifespan" and self._manage:
            await self._app(scope, self._starting(receive), self._stopping(send))
        else:
            await self._app(scope, receive, send)

    async def _counted(self, scope, receive, send) -> None:
        status = 500  # what the server answers where the application raises
        trailers = False
        before = dict(scope)  # routers change it on their way
        begun = self._metrics.begin()

        def end():
            nonlocal begun
            if begun is None:
                return
            since, begun = begun, None
            route = (route_or_none(self._route_of, scope) if self._route_of is not None
                     else route_or_none(route_template, before, scope, self._app))
            self._metrics.end(since, scope["method"], route, status)

        async def send_and_see(message):
            nonlocal status, trailers
            if message["type"] == "http.response.start":
                status, trailers = message["status"], message.get("trailers", False)
            elif _is_last(message, trailers):
                # Before it goes out: whoever has the answer finds it in the next scrape. And not
                # when the application returns: background tasks are none of the request's time.
                end()
            await send(message)

        try:
            await self._app(scope, receive, send_and_see)
        finally:
            end()

    # ---- the life of the application ----------------------------------------------------------

    def _starting(self, receive):
        async def receive_and_start():
            message = await receive()
            if message["type"] == "lifespan.startup":
                self._started = await self._in_thread("start")
            return message
        return receive_and_start

    def _stopping(self, send):
        async def stop_and_send(message):
            if message["type"] in ("lifespan.shutdown.complete", "lifespan.shutdown.failed"):
                await self._in_thread("stop")
            await send(message)
        return stop_and_send

    async def _in_thread(self, method: str) -> Optional[Any]:
        """Calls that method of the plugin; returns the plugin, if there is one."""
        plugin = self._plugin or _binding.default()
        if plugin is not None:
            await asyncio.get_running_loop().run_in_executor(None, _call, plugin, method)
        return plugin

    async def _start_late(self, plugin: Any) -> None:
        with _fork.lock:
            known, ended = self._late_start
            first = known is not plugin
            if first:
                ended = Future()
                ended.set_running_or_notify_cancel()  # no request that is cancelled cancels it
                self._late_start = plugin, ended
        if first:
            try:
                asyncio.get_running_loop().run_in_executor(None, _start_if_new, plugin, ended)
            except RuntimeError:  # the loop takes no more work: it ends
                ended.set_result(None)
        await asyncio.wrap_future(ended)
        self._started = plugin


def _call(plugin: Any, method: str) -> None:
    try:
        getattr(plugin, method)()
    except Error as error:
        logger.warning("%s: %s", method, error)


def _start_if_new(plugin: Any, ended: Future) -> None:
    """One that was stopped stays so: somebody wanted that."""
    try:
        if plugin.status().state == "created":
            logger.warning("the plugin starts with the first request, since no startup of the "
                           "application did it (does the server run its lifespan?)")
            _call(plugin, "start")
    finally:
        ended.set_result(None)


def _is_last(message: dict, trailers: bool) -> bool:
    """Whether the answer ends with that message, which is not its start."""
    kind = message["type"]
    if kind == "http.response.trailers":
        return not message.get("more_trailers", False)
    if kind in ("http.response.body", "http.response.zerocopysend"):
        return not (trailers or message.get("more_body", False))
    return kind == "http.response.pathsend" and not trailers


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
