# SPDX-License-Identifier: MIT
"""What the tests of the nginx module share."""
import os
import re
import socket
import subprocess

from case import StackCase
from exposition import read_samples, value
from stack.nginx import Nginx
from stack.process import StackError, wait_until
from stack.servers import find_program

PLUGIN = os.environ["PROMPLUG_PLUGIN"]
QUIET = "promplug_set self_metrics false; promplug_set process_metrics false;"
METRICS = "location = /metrics { promplug_metrics; }"
REQUESTS = "nginx_http_requests_total"

__all__ = ["METRICS", "NginxCase", "PLUGIN", "QUIET", "REQUESTS", "Nginx", "StackError", "exchange",
           "http2", "http_block", "read_samples", "value", "wait_until"]


def http_block(servers, settings="", plugin=PLUGIN):
    """A function for Nginx: `servers` with PORT0, PORT1 ... below the plugin's own lines."""
    def make(ports):
        text = f"  promplug_plugin {plugin};\n  {QUIET}\n  {settings}\n{servers}"
        return re.sub(r"PORT(\d)", lambda m: f"127.0.0.1:{ports[int(m[1])]}", text)
    return make


def exchange(port, data, seconds=10):
    """Sends bytes on a connection of its own; what comes back until it is closed."""
    with socket.create_connection(("127.0.0.1", port), timeout=seconds) as connection:
        connection.sendall(data)
        received = b""
        while True:
            try:
                piece = connection.recv(65536)
            except ConnectionResetError:
                break
            if not piece:
                break
            received += piece
        return received


def http2(port, *paths):
    """GETs of these paths on one HTTP/2 connection; their bodies one after the other."""
    command = [find_program("nghttp", "nghttp2-client")]
    command += [f"http://127.0.0.1:{port}{path}" for path in paths]
    return subprocess.run(command, capture_output=True, check=True, timeout=30).stdout


class NginxCase(StackCase):
    def nginx(self, servers, settings="", n_ports=1, plugin=PLUGIN, **kwargs):
        nginx = Nginx(self.new_directory(), http_block(servers, settings, plugin), n_ports, **kwargs)
        self.addCleanup(self.end, nginx)
        return nginx.start()

    def end(self, nginx):
        nginx.stop()
        bad = [line for line in nginx.log().splitlines()
               if re.search(r"\[(alert|emerg|crit)\]|exited on signal", line)]
        self.assertEqual(bad, [])

    def counted(self, nginx, wanted, name=REQUESTS, **labels):
        """Waits until these series together have that value. A request is counted when its response
        is out, which may be a moment after the client has it."""
        def asked():
            return value(nginx.request("/metrics").text, name, **labels) or 0
        self.eventually(lambda: asked() == wanted, 10,
                        lambda: f"{name} {labels} is {wanted}, not {asked()}; "
                                f"{nginx.request('/metrics').text}")
