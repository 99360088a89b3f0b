# SPDX-License-Identifier: MIT
"""Servers that carry the plugin. One class a kind; tests know only what Host names."""
import json
import os
import pathlib
import signal

from stack import web
from stack.process import Process, StackError, wait_until

ROOT = pathlib.Path(__file__).resolve().parents[2]
PYTHON = "/usr/bin/python3"  # the distribution's, which has its packages
PYTHON_ENVIRONMENT = {"PYTHONPATH": str(ROOT / "host_api/python"), "PYTHONDONTWRITEBYTECODE": "1"}


def built_program(variable):
    """The path of a program that the build made, by the variable that names it."""
    path = os.environ.get(variable, "")
    if not os.access(path, os.X_OK):
        raise StackError(f"{variable} names no program: {path!r}")
    return path


class Host:
    """A server in a directory of its own, with the plugin by path and the plugin's configuration.

    plugin: path of promplug.so; "" none. plugin_config: a dict, a text (YAML), or None for no file.
    """
    kind = ""
    # What every kind counts its requests in, and where it answers with 200, slowly, and with 500.
    requests_family = "http_requests_total"
    duration_family = "http_request_duration_seconds"
    good_path = "/photos"
    slow_path = "/slow"
    failing_path = "/fail"
    health_path = "/healthz"
    # The labels of good answers of good_path in requests_family.
    good_labels = {"route": "/photos", "status": "200"}
    # Whether a request is counted before its answer goes out, so that who has it finds it counted.
    counts_before_answer = False
    # Whether a reload with a configuration that is wrong leaves the metrics as they were.
    survives_bad_reload = True
    # What a reload does: read the plugin's configuration; make new workers; lose no request.
    reload_reads_configuration = True
    reload_replaces_workers = False
    reload_loses_nothing = True
    # Whether a worker that was killed has a successor.
    replaces_workers = False
    # The line that says where it listens.
    listening = r"^listening on (127\.0\.0\.1:\d+)$"

    def __init__(self, directory, plugin, plugin_config=None, environment=None, workers=1,
                 **settings):
        self.directory = pathlib.Path(directory)
        self.directory.mkdir(parents=True, exist_ok=True)
        self.plugin = plugin
        self.plugin_config_path = self.directory / "promplug.yml"
        self.has_plugin_config = plugin_config is not None
        if self.has_plugin_config:
            self.write_plugin_config(plugin_config)
        self.environment = environment or {}
        self.workers = workers
        self.settings = settings
        self.process = None
        self.url = ""

    # ---- what each kind does in its own way ---------------------------------------------------

    def command(self):
        """Writes the server's own configuration and returns the command that runs it."""
        raise NotImplementedError

    def wait_ready(self):
        """Waits until the server answers; returns its URL."""
        address = self.process.wait_log(self.listening, 20)[1]
        wait_until(lambda: web.status(f"http://{address}{self.health_path}") == 200, 20,
                   lambda: f"{self.kind} answers on {address}; log:\n{self.log()}")
        return "http://" + address

    def worker_pids(self):
        """The processes that answer requests, as far as they live."""
        return [self.process.pid] if self.process.running() else []

    # ---- common -------------------------------------------------------------------------------

    def write_plugin_config(self, config):
        # JSON is YAML, and takes care of every quoting.
        text = config if isinstance(config, str) else json.dumps(config, indent=1) + "\n"
        self.plugin_config_path.write_text(text, encoding="utf-8")

    def start(self):
        self.process = Process(self.kind, self.command(), self.directory, self.environment)
        self.url = self.wait_ready()
        return self

    def stop(self, number=signal.SIGTERM, seconds=30):
        """Ends the server in good order; returns its exit status."""
        return self.process.stop(number, seconds) if self.process else None

    def reload(self, plugin_config):
        self.write_plugin_config(plugin_config)
        self.process.send(signal.SIGHUP)

    @property
    def urls(self):
        """Where it answers: one address, but for a set of servers."""
        return [self.url]

    def request(self, path, method="GET", **kwargs):
        return web.request(method, self.url + path, **kwargs)

    def metrics(self, **kwargs):
        return self.request("/metrics", **kwargs)

    def log(self):
        return self.process.log()

    def wait_log(self, pattern, seconds=10):
        return self.process.wait_log(pattern, seconds)


class FileHost(Host):
    """One that is configured by lines KEY = VALUE, and says where it listens."""

    def program(self):
        """The command, without its --config FILE."""
        raise NotImplementedError

    def command(self):
        settings = {"listen": "127.0.0.1:0", **self.settings}
        if self.plugin:
            settings["plugin"] = self.plugin
        if self.has_plugin_config:
            settings["plugin_config"] = self.plugin_config_path
        path = self.directory / f"{self.kind}.conf"
        path.write_text("".join(f"{k} = {v}\n" for k, v in settings.items()), encoding="utf-8")
        return [*self.program(), "--config", path]


class SampleHost(FileHost):
    """sample_host/, the C++ server."""
    kind = "sample_host"
    counts_before_answer = True

    def program(self):
        return [built_program("PROMPLUG_SAMPLE_HOST")]


class PythonHost(FileHost):
    """sample_host/python, on FastAPI and uvicorn, by the distribution's Python."""
    kind = "python"
    counts_before_answer = True

    def __init__(self, *args, environment=None, **kwargs):
        super().__init__(*args, environment={**PYTHON_ENVIRONMENT, **(environment or {})}, **kwargs)

    def program(self):
        return [PYTHON, ROOT / "sample_host/python/photo_service.py"]


class NodeHost(FileHost):
    """sample_host/node, on node:http."""
    kind = "node"

    def __init__(self, *args, environment=None, **kwargs):
        super().__init__(*args, environment={**node_environment(), **(environment or {})}, **kwargs)

    def program(self):
        return ["node", ROOT / "sample_host/node/photo_service.js"]


def node_environment():
    """Where Node finds the package promplug and what it needs; scripts/install.sh puts it there."""
    modules = ROOT / "build/node/node_modules"
    if not (modules / "promplug").exists():
        raise StackError(f"{modules} has no promplug: run scripts/install.sh test")
    return {"NODE_PATH": str(modules)}
