# SPDX-License-Identifier: MIT
"""What is measured over loopback: scrapes by HTTP, and pushes to a real Pushgateway."""
import contextlib
import json
import pathlib
import random
import re
import socket
import subprocess
import sys
import tempfile
import time

from drivers import CPP, GO, percentile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "scripts"))
from stack.servers import Pushgateway  # noqa: E402

# Of the scrapes and the pushes.
SERIES = 10_000
CODINGS = ("identity", "gzip", "zstd")
# By the end of the job's name: who pushes, and what its driver is told besides.
PUSHERS = {"promplug": ("promplug", ()), "prometheus_cpp": ("prometheus_cpp", ()),
           "client_golang_protobuf": ("client_golang", ("protobuf",)),
           "client_golang_text": ("client_golang", ("text",)), "python": ("python", ())}


def net_command(drivers, who, *arguments):
    """Those in C++ have one program for both."""
    if who in CPP:
        return drivers.command("net_host", who, *arguments)
    return drivers.command(who, *arguments)


class HttpHost:
    """A process that answers /metrics; one connection for each request."""

    def __init__(self, drivers, who):
        self.who = who
        self.child = subprocess.Popen(net_command(drivers, who, "serve", SERIES),
                                      stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        line = self.child.stdout.readline()
        if not line:
            raise SystemExit(f"{who} does not serve")
        self.port = json.loads(line)["port"]
        self.buffer = memoryview(bytearray(8 << 20))

    def stop(self):
        self.child.stdin.close()
        self.child.wait(30)
        self.child.stdout.close()

    def cpu_ms(self):
        """Of all its threads, those that have ended too: a clock of the process, as
        clock_getcpuclockid(3) makes it."""
        return time.clock_gettime((~self.child.pid << 3) | 2) * 1e3

    def scrape(self, coding):
        """Bytes of the answer, and ms."""
        request = (f"GET /metrics HTTP/1.1\r\nHost: 127.0.0.1:{self.port}\r\n"
                   f"Accept-Encoding: {coding}\r\nConnection: close\r\n\r\n").encode()
        total, begun = 0, time.perf_counter()
        with socket.create_connection(("127.0.0.1", self.port), 60) as connection:
            connection.sendall(request)
            while got := connection.recv_into(self.buffer[total:]):
                total += got
        took = (time.perf_counter() - begun) * 1e3
        if not re.match(rb"HTTP/1\.[01] 200 ", self.buffer):
            raise SystemExit(f"{self.who}: {self.buffer[:200].tobytes()}")
        return total, took

    def has(self, coding):
        self.scrape(coding)
        head = self.buffer[:4096].tobytes().split(b"\r\n\r\n")[0].decode()
        found = re.search(r"(?im)^content-encoding: *(\S+)", head)
        return (found[1] if found else "identity") == coding


def http(drivers, plan):
    with contextlib.ExitStack() as stack:
        hosts = []
        for who in (*CPP, *GO, "python"):
            hosts.append(HttpHost(drivers, who))
            stack.callback(hosts[-1].stop)
        pairs = [(host, coding) for host in hosts for coding in CODINGS if host.has(coding)]
        times, cpu, size = {}, {}, {}
        for i in range(plan.http_rounds):
            drivers.say(f"HTTP scrapes of {SERIES} series, round {i + 1} of {plan.http_rounds}")
            for host, coding in random.sample(pairs, len(pairs)):
                key, before = f"http/{coding}/{host.who}", host.cpu_ms()
                for _ in range(plan.http_batch):
                    size[key], took = host.scrape(coding)
                    times.setdefault(key, []).append(took)
                cpu.setdefault(key, []).append((host.cpu_ms() - before) / plan.http_batch)
    for key, samples in times.items():
        drivers.keep(f"{key}/p50", "ms", samples)
        drivers.keep(f"{key}/p99", "ms", [percentile(samples, .99)])
        drivers.keep(f"{key}/cpu", "ms", cpu[key])
        drivers.keep(f"{key}/size", "kB", [size[key] / 1e3])


def pushes(drivers, plan):
    samples = {}
    with tempfile.TemporaryDirectory() as directory:
        gateway = Pushgateway(directory)
        try:
            for i in range(plan.push_rounds):
                drivers.say(f"pushes of {SERIES} series, round {i + 1} of {plan.push_rounds}")
                for name in random.sample(list(PUSHERS), len(PUSHERS)):
                    push(drivers, plan, gateway, name, samples)
        finally:
            gateway.stop()
    for (name, what), values in samples.items():
        drivers.keep(f"push/{name}/{what.removesuffix('_ms')}", "ms", values)


def push(drivers, plan, gateway, name, samples):
    who, more = PUSHERS[name]
    done = subprocess.run(
        net_command(drivers, who, "push", gateway.address, SERIES, plan.pushes, *more),
        check=True, stdout=subprocess.PIPE, text=True)
    for what, values in json.loads(done.stdout).items():
        samples.setdefault((name, what), []).extend(values)
    if gateway.group(f"bench_{name}", "bench") is None:
        raise SystemExit(f"the gateway has nothing from {name}")
    # Its work grows with what it has, and is not to be counted among that of the next.
    gateway.wipe()
