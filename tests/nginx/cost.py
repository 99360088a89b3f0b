#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Prints what counting costs the worker of a real nginx, by request, beside nginx without the module
and beside other ways; no test.

usage: PYTHONPATH=scripts PROMPLUG_PLUGIN=... PROMPLUG_NGINX_MODULE=... cost.py [ROUNDS [SECONDS]]

CPU time of the worker, from its schedstat, divided by the requests that wrk has made. Each way is
an nginx of its own with one worker on one processor, wrk is on the other; the ways take turns, and
the difference is the median of the rounds' differences to nginx alone. Needs Debian's wrk and
libnginx-mod-http-lua.
"""
import os
import pathlib
import re
import statistics
import subprocess
import sys
import tempfile

from stack.nginx import Nginx, module_path
from stack.servers import find_program

CONNECTIONS = 16
MODULES = pathlib.Path("/usr/lib/nginx/modules")

# What a scripted exporter does in the log phase: the counters, the bytes and the histogram that the
# module has, in a shared dictionary under keys that hold the labels.
LUA = """
  lua_shared_dict metrics 10m;
  init_by_lua_block {
    bounds = {0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10}
    function count()
      local d, v = ngx.shared.metrics, ngx.var
      local labels = '{server="' .. v.server_name .. '",method="' .. v.request_method
      local class = string.sub(v.status, 1, 1) .. 'xx'
      d:incr('requests' .. labels .. '",status="' .. class .. '"}', 1, 0)
      d:incr('received' .. labels, tonumber(v.request_length), 0)
      d:incr('sent' .. labels, tonumber(v.bytes_sent), 0)
      local seconds = tonumber(v.request_time)
      d:incr('sum' .. labels, seconds, 0)
      d:incr('count' .. labels, 1, 0)
      for _, bound in ipairs(bounds) do
        if seconds <= bound then d:incr('bucket' .. labels .. bound, 1, 0) break end
      end
    end
  }
"""


def server(inside=""):
    return ("server { listen PORT; server_name site.example; keepalive_requests 1000000000;\n"
            f'  location / {{ {inside} return 200 "hello\\n"; }} }}')


def promplug(settings=""):
    quiet = "promplug_set self_metrics false; promplug_set process_metrics false;"
    return f"promplug_plugin {os.environ['PROMPLUG_PLUGIN']}; {quiet} {settings}\n"


def ways():
    """By name: (modules, text of http {})."""
    lua = [MODULES / "ndk_http_module.so", MODULES / "ngx_http_lua_module.so"]
    ours = [module_path()]
    two_labels = "promplug_label agent $http_user_agent; promplug_label host $host;"
    return {
        "nginx alone": ([], server()),
        "module, off": (ours, promplug() + server("promplug off;")),
        "module": (ours, promplug() + server("promplug on;")),
        "module, exact status": (ours, promplug() + server("promplug on; promplug_status exact;")),
        "module, one of a set": (ours, promplug("promplug_multiprocess_dir SET;") +
                                 server("promplug on;")),
        "module, two labels": (ours, promplug(two_labels) + server("promplug on;")),
        "lua, shared dictionary": (lua, LUA + server("log_by_lua_block { count() }")),
        "access_log, buffered": ([], server("access_log access.log combined buffer=64k;")),
    }


class Way:
    def __init__(self, directory, modules, http):
        (directory / "access.log").symlink_to("/dev/null")
        self.set = tempfile.TemporaryDirectory(prefix="promplug-cost-", dir="/dev/shm")
        http = http.replace("SET", self.set.name + "/set")
        self.nginx = Nginx(directory, lambda ports: http.replace("PORT", f"127.0.0.1:{ports[0]}"),
                           modules=modules, main="worker_cpu_affinity 01;")
        self.nginx.start()
        self.pid = self.nginx.worker_pids()[0]

    def cpu_nanoseconds(self):
        threads = pathlib.Path(f"/proc/{self.pid}/task").iterdir()
        return sum(int((thread / "schedstat").read_text(encoding="ascii").split()[0])
                   for thread in threads)

    def run(self, seconds):
        """CPU microseconds of the worker, by request."""
        command = ["taskset", "2", find_program("wrk", "wrk"), "-t1", f"-c{CONNECTIONS}",
                   f"-d{seconds}s", "-H", "User-Agent: wrk", self.nginx.url + "/"]
        before = self.cpu_nanoseconds()
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        used = self.cpu_nanoseconds() - before
        return used / 1000 / int(re.search(r"(\d+) requests in", done.stdout)[1])


def report(results):
    alone = results["nginx alone"]
    print(f"{'CPU us a request':28}{'median':>9}{'difference':>12}{'half of the rounds':>22}")
    for name, values in results.items():
        differences = sorted(v - a for v, a in zip(values, alone))
        line = f"{name:28}{statistics.median(values):9.2f}"
        if name != "nginx alone":
            quarter = len(differences) // 4
            line += (f"{statistics.median(differences):+12.2f}"
                     f"{differences[quarter]:+12.2f} to{differences[-1 - quarter]:+7.2f}")
        print(line)


def main():
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 15
    seconds = int(sys.argv[2]) if len(sys.argv) > 2 else 2
    running = {}
    with tempfile.TemporaryDirectory(prefix="promplug-cost-") as root:
        try:
            for name, (modules, http) in ways().items():
                directory = pathlib.Path(tempfile.mkdtemp(dir=root))
                running[name] = Way(directory, modules, http)
                running[name].run(1)
            results = {name: [] for name in running}
            for _ in range(rounds):
                for name, way in running.items():
                    results[name].append(way.run(seconds))
            report(results)
        finally:
            for way in running.values():
                way.nginx.stop()
                way.set.cleanup()


if __name__ == "__main__":
    main()
