# SPDX-License-Identifier: MIT
"""The plugin's own listener, where scrape.listen is set."""
import gzip
import http.client
import os
import socket
import subprocess
import unittest

from case import StackCase
from exposition import read_families
from stack import web
from stack.process import free_port
from stack.servers import Prometheus


def listening_config(port):
    return {"forward": [], "scrape": {"listen": f"127.0.0.1:{port}"}}


class ListenerTest(StackCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.port = free_port()
        cls.host_ = cls.class_host(listening_config(cls.port))
        cls.url = f"http://127.0.0.1:{cls.port}"

    def test_it_says_what_the_host_says(self):
        own, by_host = web.get(self.url + "/metrics"), self.host_.metrics()
        self.assertEqual((own.status, own.headers["Content-Type"]),
                         (200, by_host.headers["Content-Type"]))
        self.assertEqual(set(read_families(own.text)), set(read_families(by_host.text)))

    def test_a_real_prometheus_scrapes_it(self):
        prometheus = self.server(Prometheus, [("own-port", f"127.0.0.1:{self.port}", False)])
        self.eventually(lambda: prometheus.value('up{job="own-port"}') == 1, 15,
                        lambda: f"up; targets: {prometheus.targets()}")

    def test_other_paths_and_methods_are_refused(self):
        self.assertEqual(web.get(self.url + "/photos").status, 404)
        answer = web.request("POST", self.url + "/metrics")
        self.assertEqual((answer.status, answer.headers["Allow"]), (405, "GET, HEAD"))
        self.assertEqual(web.request("POST", self.url + "/metrics", body=b"x").status, 405)
        head = web.request("HEAD", self.url + "/metrics")
        self.assertEqual((head.status, head.body), (200, b""))

    def test_gzip_and_name_parameters_work_here_too(self):
        answer = web.get(self.url + "/metrics?name[]=process_open_fds",
                         headers={"Accept-Encoding": "gzip"})
        self.assertEqual(answer.headers["Content-Encoding"], "gzip")
        self.assertEqual(set(read_families(gzip.decompress(answer.body).decode())),
                         {"process_open_fds"})

    def test_zstd_is_sent_where_it_is_liked_more(self):
        answer = web.get(self.url + "/metrics?name[]=process_open_fds",
                         headers={"Accept-Encoding": "gzip;q=0.5, zstd"})
        self.assertEqual(answer.headers["Content-Encoding"], "zstd")
        text = subprocess.run(["zstd", "-d", "-c"], input=answer.body, stdout=subprocess.PIPE,
                              check=True).stdout.decode()
        self.assertEqual(set(read_families(text)), {"process_open_fds"})

    def test_one_connection_serves_many_requests(self):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        self.addCleanup(connection.close)
        connection.connect()
        socket_of_first = connection.sock
        for _ in range(3):
            connection.request("GET", "/metrics")
            answer = connection.getresponse()
            self.assertEqual(answer.status, 200)
            answer.read()
        self.assertIs(connection.sock, socket_of_first)

    def test_silent_connections_keep_nobody_out(self):
        silent = [socket.create_connection(("127.0.0.1", self.port)) for _ in range(150)]
        self.addCleanup(lambda: [s.close() for s in silent])
        self.assertEqual(web.get(self.url + "/metrics").status, 200)
        self.assert_serves(self.host_)


class BusyPortTest(StackCase):
    def test_a_busy_port_is_a_clear_error_and_taken_when_it_is_free(self):
        with socket.socket() as squatter:
            squatter.bind(("127.0.0.1", 0))
            squatter.listen()
            port = squatter.getsockname()[1]
            host = self.host(listening_config(port))
            host.wait_log(rf"(?i)127\.0\.0\.1:{port}.*(in use|busy)")
            self.assert_serves(host)
            self.assertEqual(host.metrics().status, 200)
        self.eventually(lambda: web.status(f"http://127.0.0.1:{port}/metrics") == 200, 40,
                        lambda: f"the freed port is taken; log:\n{host.log()}")

    def test_without_the_key_the_host_listens_on_its_own_port_alone(self):
        host = self.host({"forward": []})
        with open(f"/proc/{host.process.pid}/net/tcp", encoding="ascii") as table:
            listening = {line.split()[9] for line in table if line.split()[3] == "0A"}
        owned = self.socket_inodes(host.process.pid)
        self.assertEqual(len(listening & owned), 1)

    @staticmethod
    def socket_inodes(pid):
        links = [os.readlink(f"/proc/{pid}/fd/{n}") for n in os.listdir(f"/proc/{pid}/fd")]
        return {link[len("socket:["):-1] for link in links if link.startswith("socket:[")}


if __name__ == "__main__":
    unittest.main()
