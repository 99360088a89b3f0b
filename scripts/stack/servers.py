# SPDX-License-Identifier: MIT
"""The distribution's Pushgateway, node_exporter and Prometheus, each on a free port of 127.0.0.1."""
import json
import pathlib
import shutil
import signal
import urllib.parse

from stack import web
from stack.process import StackError, start_on_free_port


def find_program(name, package):
    path = shutil.which(name)
    if not path:
        raise StackError(f"{name} is not installed (Debian's package {package})")
    return path


class Server:
    """A server that can be ended and started again on the same port."""
    name = ready_path = ""

    def __init__(self, directory):
        self.directory = directory
        self.port = 0
        self.process = None
        self.start()

    def command(self, port):
        raise NotImplementedError

    def start(self):
        self.process, self.port = start_on_free_port(self.name, self.command, self.is_ready,
                                                     self.directory, self.port)

    def is_ready(self, port):
        return web.status(f"http://127.0.0.1:{port}{self.ready_path}") == 200

    def stop(self, number=signal.SIGTERM):
        if self.process is not None:
            self.process.stop(number)
            self.process = None

    @property
    def address(self):
        return f"127.0.0.1:{self.port}"

    @property
    def url(self):
        return f"http://{self.address}"


class Pushgateway(Server):
    name = "pushgateway"
    ready_path = "/-/ready"

    def __init__(self, directory, web_config=""):
        self.web_config = web_config
        super().__init__(directory)

    def command(self, port):
        command = [find_program("prometheus-pushgateway", "prometheus-pushgateway"),
                   f"--web.listen-address=127.0.0.1:{port}", "--persistence.file=",
                   "--web.enable-admin-api"]
        return command + ([f"--web.config.file={self.web_config}"] if self.web_config else [])

    def groups(self):
        """Of each group, by its sorted labels as a tuple of pairs: the families and push times."""
        found = {}
        for group in web.get(self.url + "/api/v1/metrics").json()["data"]:
            found[tuple(sorted(group.pop("labels").items()))] = group
        return found

    def group(self, job, instance):
        """The families of one group, or None."""
        return self.groups().get((("instance", instance), ("job", job)))

    def metrics(self):
        return web.get(self.url + "/metrics", timeout=20).text

    def wipe(self):
        web.request("PUT", self.url + "/api/v1/admin/wipe")


class NodeExporter(Server):
    name = "node_exporter"
    ready_path = "/"

    def command(self, port):
        return [find_program("prometheus-node-exporter", "prometheus-node-exporter"),
                f"--web.listen-address=127.0.0.1:{port}"]


class Prometheus(Server):
    """Scrapes `targets` every second: a list of job name, address and honor_labels."""
    name = "prometheus"
    ready_path = "/-/ready"

    def __init__(self, directory, targets, features=()):
        self.features = features
        self.config = pathlib.Path(directory, "prometheus.yml")
        self.config.write_text(prometheus_config(targets), encoding="utf-8")
        super().__init__(directory)

    def command(self, port):
        return [find_program("prometheus", "prometheus"), f"--config.file={self.config}",
                f"--storage.tsdb.path={pathlib.Path(self.directory, 'prometheus-data')}",
                f"--web.listen-address=127.0.0.1:{port}", "--log.level=warn",
                *(f"--enable-feature={feature}" for feature in self.features)]

    def query(self, expression):
        """The samples of an instant vector: a list of (labels, value)."""
        target = self.url + "/api/v1/query?query=" + urllib.parse.quote(expression)
        answer = web.get(target).json()
        if answer["status"] != "success":
            raise StackError(f"{expression}: {answer.get('error')}")
        return [(r["metric"], float(r["value"][1])) for r in answer["data"]["result"]]

    def value(self, expression):
        """The value of the one sample that the expression gives, or None."""
        samples = self.query(expression)
        return samples[0][1] if len(samples) == 1 else None

    def targets(self):
        """By job: (health, text of the last error)."""
        active = web.get(self.url + "/api/v1/targets").json()["data"]["activeTargets"]
        return {t["labels"]["job"]: (t["health"], t["lastError"]) for t in active}


def prometheus_config(targets):
    """YAML is a superset of JSON, which takes care of every quoting."""
    jobs = [{"job_name": job, "honor_labels": honor_labels,
             "static_configs": [{"targets": [address]}]} for job, address, honor_labels in targets]
    settings = {"global": {"scrape_interval": "1s", "scrape_timeout": "1s"}, "scrape_configs": jobs}
    return json.dumps(settings, indent=2) + "\n"
