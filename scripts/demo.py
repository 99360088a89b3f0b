#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The part of demo.sh that runs the servers, makes traffic and shows what arrives."""
import argparse
import http.client
import math
import os
import pathlib
import random
import re
import shutil
import signal
import sys
import tempfile
import threading
import time

from stack import web
from stack.hosts import SampleHost
from stack.process import StackError
from stack.servers import NodeExporter, Prometheus, Pushgateway

INTERVAL_SECONDS = 15
DEADLINE_SECONDS = 120
REFRESH_SECONDS = 2
JOB, DIRECT_JOB, INSTANCE = "photo-api", "photo-api-direct", "demo"

DIRECT = f'job="{DIRECT_JOB}"'
PUSHED = f'job="{JOB}",instance="{INSTANCE}"'
NODE = f'job="node_exporter",instance="{INSTANCE}"'

# What is shown of the application; $ is the selector of the way it came.
APPLICATION_ROWS = [
    ("requests answered", "sum(http_requests_total{$})", "{:,.0f}"),
    ("of them failed", 'sum(http_requests_total{$,status=~"5.."})', "{:,.0f}"),
    ("95 of 100 take less than, ms",
     "1000 * histogram_quantile(0.95, sum by (le) (http_request_duration_seconds_bucket{$}))",
     "{:,.1f}"),
    ("photos stored", "sum(photo_photos{$})", "{:,.0f}"),
    ("bytes in the largest album", "max(photo_album_bytes{$})", "{:,.0f}"),
    ("memory of the server, MiB", "sum(process_resident_memory_bytes{$}) / 1048576", "{:,.1f}"),
]
# The share of idle is a ratio of two increases: there is none before the second push.
NODE_ROWS = [
    ("processors busy, %", f'100 * (1 - sum(increase(node_cpu_seconds_total{{{NODE},mode="idle"}}[1m]))'
     f" / sum(increase(node_cpu_seconds_total{{{NODE}}}[1m])))", "{:,.1f}"),
    ("memory in use, MiB", f"sum(node_memory_MemTotal_bytes{{{NODE}}} - node_memory_MemAvailable_bytes"
     f"{{{NODE}}}) / 1048576", "{:,.0f}"),
    ("memory there is, MiB", f"sum(node_memory_MemTotal_bytes{{{NODE}}}) / 1048576", "{:,.0f}"),
]
PUSH_AGE = 'time() - push_time_seconds{job="%s",instance="' + INSTANCE + '"}'

PLUGIN_CONFIG = """\
pushgateway:
  url: {gateway}
  interval_seconds: {interval}
  job: {job}
  instance: {instance}
forward:
  - job: node_exporter
    url: {exporter}/metrics
"""


class Traffic:
    """Some requests a second from three clients, until the process ends."""

    def __init__(self, url):
        self.url = url
        self.albums = []
        for number in range(3):
            threading.Thread(target=self._client, args=(random.Random(number),), daemon=True).start()

    def _client(self, chance):
        while True:
            try:
                self._one(chance)
            except (OSError, http.client.HTTPException, ValueError):
                time.sleep(0.5)  # the host is being stopped
            time.sleep(chance.uniform(0.02, 0.2))

    def _one(self, chance):
        path, weight = ("/photos", "/albums", "/healthz", "/slow", "/fail", "/none"), (8, 5, 3, 1, 1, 1)
        web.get(self.url + chance.choices(path, weight)[0])
        if chance.random() < 0.3:
            albums = web.get(self.url + "/albums").json()
            album = chance.choice(albums)["id"] if albums else 1
            body = bytes(chance.randrange(1_000, 20_000))
            web.request("POST", f"{self.url}/photos?album={album}&name=demo.jpg", body=body)


class Demo:
    def __init__(self, build, directory, once):
        self.directory, self.once = directory, once
        self.servers = []
        self.plugin = str(pathlib.Path(build, "plugin", "promplug.so").resolve())
        os.environ["PROMPLUG_SAMPLE_HOST"] = str(
            pathlib.Path(build, "sample_host", "sample_host").resolve())
        self.host = self.prometheus = self.gateway = self.exporter = None
        self.began = time.monotonic()

    def say(self, text):
        print(text, flush=True)

    def start_server(self, text, kind, *arguments):
        server = kind(self.directory, *arguments)
        self.servers.append(server)
        self.say(f"  {text:<14} {server.url}")
        return server

    def start_host(self, plugin_config):
        self.host = SampleHost(self.directory / "host", self.plugin, plugin_config)
        self.servers.append(self.host)
        self.host.start()
        self.say(f"  {'sample host':<14} {self.host.url}/photos")
        self.say(f"  {'':<14} {self.host.url}/metrics")
        Traffic(self.host.url)

    def start_all(self):
        self.gateway = self.start_server("Pushgateway", Pushgateway)
        self.exporter = self.start_server("node_exporter", NodeExporter)
        self.start_host(PLUGIN_CONFIG.format(gateway=self.gateway.url, interval=INTERVAL_SECONDS,
                                             job=JOB, instance=INSTANCE, exporter=self.exporter.url))
        self.prometheus = self.start_server("Prometheus", Prometheus, [
            (DIRECT_JOB, self.host.url.removeprefix("http://"), False),
            ("pushgateway", self.gateway.address, True)])
        self.say("  " + self.host.wait_log(r"Pushgateway enabled: .*")[0])

    def stop_all(self):
        """The host before the servers, so that its last push arrives."""
        for server in sorted(self.servers, key=lambda s: s is not self.host):
            try:
                server.stop()
            except StackError as error:
                self.say(str(error))

    def dead(self):
        return [s.kind if s is self.host else s.name for s in self.servers if not s.process.running()]

    # ---- what has arrived -----------------------------------------------------------------------

    def number(self, expression):
        value = self.prometheus.value(expression)
        return None if value is None or math.isnan(value) else value

    def prometheus_view(self):
        """(lines for the terminal, what is missing)."""
        missing = []

        def cell(what, expression, form, enough=lambda value: True):
            value = self.number(expression)
            if value is None or not enough(value):
                missing.append(what)
                return "-"
            return form.format(value)

        lines = [f"{'the application, in Prometheus by':<34}{'direct scrape':>16}{'Pushgateway':>16}"]
        for text, expression, form in APPLICATION_ROWS:
            direct = cell(f"{text} (direct scrape)", expression.replace("$", DIRECT), form)
            pushed = cell(f"{text} (Pushgateway)", expression.replace("$", PUSHED), form)
            lines.append(f"  {text:<32}{direct:>16}{pushed:>16}")
        lines.append("this machine (node_exporter, forwarded by the plugin)")
        for text, expression, form in NODE_ROWS:
            lines.append(f"  {text:<32}{'':>16}{cell(text, expression, form):>16}")
        lines.append("seconds since the last push of the group")
        for job in (JOB, "node_exporter"):
            age = cell(f"age of the last push of {job}", PUSH_AGE % job, "{:,.0f}",
                       lambda value: value < 3 * INTERVAL_SECONDS)
            lines.append(f"  {f'job={job} instance={INSTANCE}':<32}{'':>16}{age:>16}")
        if missing:
            lines.append(f"waiting for {len(missing)} of these: the plugin pushes soon after its start, "
                         f"then every {INTERVAL_SECONDS} s (its floor)")
        return lines, missing

    def scrape_view(self):
        """The same for --scrape-only, from /metrics itself."""
        answer, seconds = web.timed(self.host.metrics)
        missing, lines = [], [f"/metrics: {len(answer.body):,} bytes in {1000 * seconds:.1f} ms"]
        for name in ("http_requests_total", "http_request_duration_seconds_count", "photo_photos",
                     "photo_album_bytes", "process_resident_memory_bytes", "promplug_scrapes_total"):
            found = re.findall(rf"^{name}(?:{{.*}})? (\S+)$", answer.text, re.MULTILINE)
            if not found:
                missing.append(name)
            total = sum(map(float, found))
            lines.append(f"  {name:<40}{len(found):>4} series, sum {total:,.6g}")
        if answer.status != 200:
            missing.append(f"/metrics (status {answer.status})")
        return lines, missing

    def view(self):
        return self.prometheus_view() if self.prometheus else self.scrape_view()

    def urls(self):
        lines = ["look at"]
        if self.prometheus:
            lines += [f"  {self.prometheus.url}/graph?g0.expr=sum%20by%20(job)(rate(http_requests_total"
                      "%5B1m%5D))&g0.tab=0&g0.range_input=5m", f"  {self.prometheus.url}/targets",
                      f"  {self.gateway.url}/", f"  {self.exporter.url}/metrics"]
        return lines + [f"  {self.host.url}/metrics", f"  {self.host.url}/photos"]

    # ---- the loop -------------------------------------------------------------------------------

    def run(self):
        """The exit status."""
        terminal, told = sys.stdout.isatty(), None
        while True:
            if self.dead():
                self.say(f"ended by itself: {', '.join(self.dead())}\n{self.host.log()[-2000:]}")
                return 1
            lines, missing = self.view()
            elapsed = time.monotonic() - self.began
            done = self.once and not missing
            if terminal:
                keys = "" if self.once else "   Ctrl-C ends everything"
                lines = [f"promplug, {elapsed:.0f} s{keys}", ""] + lines + self.urls()
                self.say("\033[H\033[2J" + "\n".join(lines))
            elif done or missing != told:
                self.say(f"-- {elapsed:.0f} s")
                self.say("\n".join(lines + (self.urls() if not missing else [])))
            told = missing
            if done:
                self.say("everything has arrived")
                return 0
            if self.once and elapsed > DEADLINE_SECONDS:
                self.say(f"not arrived within {DEADLINE_SECONDS} s:\n  " + "\n  ".join(missing))
                self.say(f"the log of the host:\n{self.host.log()[-4000:]}")
                return 1
            time.sleep(REFRESH_SECONDS)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", required=True)
    parser.add_argument("--once", action="store_true")
    parser.add_argument("--scrape-only", action="store_true")
    arguments = parser.parse_args()

    def interrupt(*_):
        raise KeyboardInterrupt

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, interrupt)
    directory = pathlib.Path(tempfile.mkdtemp(prefix="promplug-demo-"))
    demo = Demo(arguments.build, directory, arguments.once)
    try:
        if arguments.scrape_only:
            demo.start_host("forward: []\n")
        else:
            demo.start_all()
        return demo.run()
    except StackError as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130 if arguments.once else 0
    finally:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        demo.stop_all()
        shutil.rmtree(directory, ignore_errors=True)
        print("\neverything that was started has ended", flush=True)


if __name__ == "__main__":
    sys.exit(main())
