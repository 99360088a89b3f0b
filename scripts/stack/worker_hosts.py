# SPDX-License-Identifier: MIT
"""Hosts that answer with several processes."""
import itertools
import re
import signal

from stack import web
from stack.hosts import PYTHON, PYTHON_ENVIRONMENT, ROOT, Host, NodeHost, SampleHost, built_program
from stack.nginx import Nginx, children
from stack.process import start_on_free_port, wait_text

PHOTO_APP = ROOT / "sample_host/python"


class CHost(Host):
    """sample_host/c, which forks its workers."""
    kind = "c"
    counts_before_answer = True
    replaces_workers = reload_replaces_workers = True
    listening = r"listening on (127\.0\.0\.1:\d+)$"

    def command(self):
        command = [built_program("PROMPLUG_C_HOST"), "-l", "127.0.0.1:0", "-w", self.workers]
        if self.plugin:
            command += ["-p", self.plugin]
        if self.has_plugin_config:
            command += ["-c", self.plugin_config_path]
        return command

    def worker_pids(self):
        return [pid for pid, _ in children(self.process.pid)]


class PhotoAppHost(Host):
    """The application of sample_host/python under a server that makes the workers.

    A worker that ends closes connections on which no request has come yet, and what is on its way
    on them is lost to the client.
    """
    counts_before_answer = True
    reload_loses_nothing = False

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        named = {"PROMPLUG_PLUGIN": self.plugin}
        if self.has_plugin_config:
            named["PROMPLUG_CONFIG"] = str(self.plugin_config_path)
        self.environment = {**PYTHON_ENVIRONMENT, **named, **self.environment}


class UvicornHost(PhotoAppHost):
    """uvicorn, which spawns its workers.

    It has no reload of its own: a second server beside it takes over, as behind a balancer.
    """
    kind = "uvicorn"
    reload_replaces_workers = True

    def start(self):
        # With workers it does not say which port it has got.
        self.process, port = start_on_free_port(
            self.kind, self._command, lambda port: web.status(self._url(port) + self.health_path) == 200,
            self.directory, seconds=60, environment=self.environment)
        self.url = self._url(port)
        return self

    def _url(self, port):
        return f"http://127.0.0.1:{port}"

    def _command(self, port):
        return [PYTHON, "-m", "uvicorn", "--factory", "photo_app:make_app", "--app-dir", PHOTO_APP,
                "--port", port, "--no-access-log", "--workers", self.workers]

    def reload(self, plugin_config):
        self.write_plugin_config(plugin_config)
        old = self.process
        self.start()
        old.stop(seconds=30)

    def worker_pids(self):
        return [pid for pid, title in children(self.process.pid) if "spawn_main" in title]


class GunicornHost(PhotoAppHost):
    """gunicorn, which forks its workers."""
    kind = "gunicorn"
    replaces_workers = reload_replaces_workers = True
    survives_bad_reload = False
    listening = r"Listening at: http://(127\.0\.0\.1:\d+)"
    options = ()

    def command(self):
        return [PYTHON, "-m", "gunicorn", "--chdir", PHOTO_APP, "--bind", "127.0.0.1:0",
                "--worker-class", "uvicorn.workers.UvicornWorker", "--workers", self.workers,
                "--graceful-timeout", "20", *self.options, "photo_app:make_app()"]

    def worker_pids(self):
        # One that boots answers nothing yet, and may miss a signal: until it has handlers of its
        # own it has those of the master, which only note it.
        started = set(re.findall(r"Started server process \[(\d+)\]", self.log()))
        return [pid for pid, _ in children(self.process.pid) if str(pid) in started]


class GunicornPreloadHost(GunicornHost):
    """Its master makes the application, and with it the plugin, before the forks, once for all."""
    kind = "gunicorn_preload"
    reload_reads_configuration = False
    options = ("--preload",)


class NodeClusterHost(NodeHost):
    """sample_host/node with the workers of node:cluster."""
    kind = "node_cluster"
    replaces_workers = True

    def program(self):
        return ["node", ROOT / "sample_host/node/photo_cluster.js", self.workers]

    def worker_pids(self):
        return [pid for pid, _ in children(self.process.pid)]


class NginxHost(Host):
    """The distribution's nginx with the module of host_api/nginx."""
    kind = "nginx"
    requests_family = "nginx_http_requests_total"
    duration_family = "nginx_http_request_duration_seconds"
    good_labels = {"zone": "photos", "status": "2xx"}
    survives_bad_reload = False
    replaces_workers = reload_replaces_workers = True

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self._nginx = Nginx(self.directory, self._http, workers=self.workers,
                            environment=self.environment)

    def _http(self, ports):
        plugin = f"promplug_plugin {self.plugin};" if self.plugin else ""
        config = f"promplug_config {self.plugin_config_path};" if self.has_plugin_config else ""
        return f"""
  {plugin}
  {config}
  promplug on;
  server {{
    listen 127.0.0.1:{ports[0]};
    location = {self.good_path} {{ promplug on zone=photos; return 200 "[]\\n"; }}
    location = {self.failing_path} {{ promplug on zone=fail; return 500; }}
    location = {self.health_path} {{ return 200 "ok\\n"; }}
    location = /metrics {{ promplug_metrics; }}
  }}"""

    def start(self):
        self._nginx.start()
        self.url = self._nginx.url
        return self

    def stop(self, number=signal.SIGQUIT, seconds=30):
        self._nginx.stop(number, seconds)
        return 0

    def reload(self, plugin_config):
        self.write_plugin_config(plugin_config)
        self._nginx.reload()

    def worker_pids(self):
        return self._nginx.worker_pids()

    def log(self):
        return self._nginx.log()

    def wait_log(self, pattern, seconds=10):
        return self._nginx.wait_log(pattern, seconds)


class SampleSet(Host):
    """Several SampleHosts, each on a port of its own, with one configuration of the plugin."""
    kind = "sample_set"
    counts_before_answer = SampleHost.counts_before_answer

    def start(self):
        self._hosts = [SampleHost(self.directory / str(n), self.plugin, None, self.environment,
                                  **self.settings) for n in range(self.workers)]
        for host in self._hosts:
            host.plugin_config_path = self.plugin_config_path
            host.has_plugin_config = self.has_plugin_config
            host.start()
        self._turns = itertools.count()
        return self

    def _living(self):
        return [host for host in self._hosts if host.process.running()]

    @property
    def urls(self):
        return [host.url for host in self._living()]

    def request(self, path, method="GET", **kwargs):
        living = self._living()
        return living[next(self._turns) % len(living)].request(path, method, **kwargs)

    def worker_pids(self):
        return [host.process.pid for host in self._living()]

    def stop(self, number=signal.SIGTERM, seconds=30):
        living = self._living()
        for host in living:
            host.process.send(number)
        return max((host.stop(number, seconds) for host in living), default=None)

    def reload(self, plugin_config):
        self.write_plugin_config(plugin_config)
        for host in self._living():
            host.process.send(signal.SIGHUP)

    def log(self):
        return "".join(host.log() for host in self._hosts)

    def wait_log(self, pattern, seconds=10):
        return wait_text(self.log, pattern, seconds)
