# SPDX-License-Identifier: MIT
"""WSGI middleware: counts requests, and answers scrapes on the worker's thread."""
from functools import partial
from http import HTTPStatus
from typing import Any, Callable, Iterable, Iterator, Optional, Sequence

from . import _binding
from ._log import logger
from .errors import Error, StateError
from .metrics import Histogram
from .scrape import handle_request, is_scrape
from .web import WebMetrics, route_or_none

ROUTE_KEY = "promplug.route"


class Middleware:
    """Wraps a WSGI application.

    plugin        the plugin that answers and counts; by default the one that load() made, also if
                  that is loaded later. Without any the application is served as if alone.
    metrics_path  the path that the plugin answers; None: scrape.path of its configuration.
    route_of      of an environ whose answer begins, the route's template or None. By default what
                  the application put into environ["promplug.route"], else that of Flask.
    prefix, buckets  as WebMetrics has them.
    """

    def __init__(self, app: Callable, plugin: Optional[Any] = None, *,
                 metrics_path: Optional[str] = None,
                 route_of: Optional[Callable[[dict], Optional[str]]] = None, prefix: str = "http",
                 buckets: Sequence[float] = Histogram.DEFAULT_BUCKETS):
        self._app, self._plugin, self._metrics_path = app, plugin, metrics_path
        self._route_of = route_of or route_template
        self._metrics = WebMetrics(plugin, prefix, buckets)

    def __call__(self, environ: dict, start_response: Callable) -> Iterable[bytes]:
        answer = self._scrape(environ)
        if answer is not None:
            # The server ends a body that the length does not cover, such as that of HEAD.
            length = str(len(answer.body))
            head = environ["REQUEST_METHOD"] == "HEAD"
            headers = answer.headers + ([] if head else [("Content-Length", length)])
            start_response(_status_line(answer.status), headers)
            return [] if head else [answer.body]
        return self._counted(environ, start_response)

    def _scrape(self, environ: dict) -> Any:
        plugin = self._plugin or _binding.default()
        path = environ.get("SCRIPT_NAME", "") + environ.get("PATH_INFO", "")
        if plugin is None or not is_scrape(plugin, path, self._metrics_path):
            return None
        headers = [(key[5:].replace("_", "-"), value) for key, value in environ.items()
                   if key.startswith("HTTP_")]
        try:
            return handle_request(plugin, environ["REQUEST_METHOD"], path,
                                  environ.get("QUERY_STRING", ""), headers, mounted=True)
        except StateError:  # it does not run
            return None
        except Error as error:
            logger.warning("%s", error)
            return None

    def _counted(self, environ: dict, start_response: Callable) -> Iterable[bytes]:
        request = _Request(self._metrics, environ, self._route_of)

        def start_and_see(status: str, *arguments: Any) -> Any:
            request.answered(int(status[:3]))
            return start_response(status, *arguments)

        try:
            body = self._app(environ, start_and_see)
        except BaseException:
            request.end()
            raise
        wrapper = environ.get("wsgi.file_wrapper")
        if isinstance(wrapper, type) and isinstance(body, wrapper):
            return _file_that_ends(body, request)
        return _Body(body, request)


class _Request:
    """Counted once, at its end."""

    def __init__(self, metrics: WebMetrics, environ: dict, route_of: Callable):
        self._metrics, self._environ, self._route_of = metrics, environ, route_of
        self._status = 500  # what the server answers where the application raises
        self._route: Optional[str] = None
        self._begun: Optional[float] = metrics.begin()

    def answered(self, status: int) -> None:
        # Flask knows the rule until the application returns.
        self._status, self._route = status, route_or_none(self._route_of, self._environ)

    def end(self) -> None:
        if self._begun is None:
            return
        begun, self._begun = self._begun, None
        self._metrics.end(begun, self._environ["REQUEST_METHOD"], self._route, self._status)


def _file_that_ends(body: Any, request: _Request) -> Any:
    """The body itself, which the server knows by its type and sends without reading it. Its close()
    ends the request; where the type lets none be set, the request ends here."""
    try:
        body.close = partial(_close_and_end, getattr(body, "close", None), request)
    except (AttributeError, TypeError):
        request.end()
    return body


class _Body:
    """The application's body; its close(), which every server calls, ends the request."""

    def __init__(self, body: Iterable[bytes], request: _Request):
        self._body, self._request = body, request

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._body)

    def close(self) -> None:
        _close_and_end(getattr(self._body, "close", None), self._request)


def _close_and_end(close: Optional[Callable[[], Any]], request: _Request) -> None:
    try:
        if close is not None:
            close()
    finally:
        request.end()


def route_template(environ: dict) -> Optional[str]:
    """What the application named, else the rule of Flask (or of what else uses werkzeug's)."""
    if ROUTE_KEY in environ:
        return environ[ROUTE_KEY]
    rule = getattr(environ.get("werkzeug.request"), "url_rule", None)
    return getattr(rule, "rule", None)


def _status_line(status: int) -> str:
    try:
        return f"{status} {HTTPStatus(status).phrase}"
    except ValueError:
        return f"{status} Unknown"
