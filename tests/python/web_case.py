# SPDX-License-Identifier: MIT
"""Web servers of the distribution that run the applications in apps/."""
import contextlib
import json
import pathlib
import sys

from stack import web
from stack.process import free_port, wait_until
from support import QUIET, WAIT_SECONDS, PluginCase, sample, unzipped

APPS = pathlib.Path(__file__).parent / "apps"


class WebServer:
    """A running server on a port of 127.0.0.1, with or without worker processes."""

    def __init__(self, case, name, arguments, ready="/api/items/1", **environment):
        self.port = free_port()
        self.process = case.server(name, [sys.executable, "-m", name, *arguments(self.port)], **environment)
        self.url = f"http://127.0.0.1:{self.port}"
        wait_until(lambda: self.process.running() and web.status(self.url + ready) != 0, WAIT_SECONDS,
                   lambda: f"{name} answers; log:\n{self.process.log()}")

    def get(self, path, **kwargs):
        return web.get(self.url + path, timeout=WAIT_SECONDS, **kwargs)

    def request(self, method, path, **kwargs):
        return web.request(method, self.url + path, **kwargs)

    def metrics(self):
        return unzipped(self.get("/metrics"))

    def counted(self, **labels):
        """http_requests_total of the worker that answers."""
        return sample(self.metrics(), "http_requests_total", **labels)

    def workers(self):
        """The processes below the one that was started."""
        found, front = set(), [self.process.pid]
        while front:
            pid = front.pop()
            below, tasks, gone = set(), [], (FileNotFoundError, ProcessLookupError)
            with contextlib.suppress(*gone):  # the process has just ended
                tasks = list(pathlib.Path(f"/proc/{pid}/task").glob("*/children"))
            for task in tasks:
                with contextlib.suppress(*gone):  # or that thread
                    below |= {int(child) for child in task.read_text().split()}
            front += below - found
            found |= below
        return found


class WebCase(PluginCase):
    def uvicorn(self, *arguments, options=None, overrides=None, application="asgi_app:app", **environment):
        return WebServer(self, "uvicorn", lambda port: [
            application, "--app-dir", APPS, "--host", "127.0.0.1", "--port", str(port), *arguments],
            APP_OVERRIDES=json.dumps({**QUIET, **(overrides or {})}),
            APP_OPTIONS=json.dumps(options or {}), **environment)

    def gunicorn(self, *arguments, application="wsgi_app:app", ready="/items/1", overrides=None,
                 **environment):
        return WebServer(self, "gunicorn", lambda port: [
            "--chdir", APPS, "--bind", f"127.0.0.1:{port}", "--graceful-timeout", "10", *arguments,
            application], ready=ready, APP_OVERRIDES=json.dumps({**QUIET, **(overrides or {})}),
            **environment)
