# SPDX-License-Identifier: MIT
"""One worker's plugin through reloads, kills and stops; and the module built by nginx's own way."""
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile
import time
import unittest

from case import Traffic
from nginx_case import METRICS, Nginx, NginxCase, http_block
from stack import web
from stack.process import free_port

SOURCE = pathlib.Path("/usr/share/nginx/src")
MODULE = pathlib.Path(__file__).resolve().parents[2] / "host_api/nginx"
SERVER = f'server {{ listen PORT0; promplug on; location / {{ return 200 "hello\\n"; }} {METRICS} }}'


def refused(traffic):
    """What was not answered with 200."""
    return traffic.failures + [result for result in traffic.results if result[1] != 200]


class ReloadTest(NginxCase):
    def test_reloads_under_load_lose_no_request_and_no_scrape(self):
        host = self.nginx(SERVER)
        with Traffic(host, ["/"]) as requests, Traffic(host, ["/metrics"]) as scrapes:
            for _ in range(8):
                host.reload()
        self.assertEqual((refused(requests), refused(scrapes)), ([], []))
        self.assertGreater(min(len(requests.results), len(scrapes.results)), 8)

    def test_the_configuration_follows_a_reload(self):
        host = self.nginx(SERVER)
        host.reload(http_block(SERVER.replace("promplug on", "promplug on zone=new"),
                               "promplug_label who $http_x_who; promplug_status exact;"))
        host.request("/", headers={"X-Who": "me"})
        self.counted(host, 1, zone="new", status="200", who="me")

    def test_the_listener_of_the_plugin_passes_to_the_new_worker(self):
        port = free_port()
        host = self.nginx(SERVER, f"promplug_set scrape.listen 127.0.0.1:{port};")
        url = f"http://127.0.0.1:{port}/metrics"
        self.eventually(lambda: web.status(url) == 200, 10, "the listener is there")
        host.reload()
        self.eventually(lambda: web.status(url) == 200, 10, lambda: "it is again:\n" + host.log())

    def test_a_worker_that_is_killed_has_a_successor_with_a_plugin(self):
        host = self.nginx(SERVER)
        for _ in range(3):
            old = host.worker_pids()
            os.kill(old[0], signal.SIGKILL)
            self.eventually(lambda: host.worker_pids() not in ([], old), 10, "a new worker")
            self.assertEqual(host.request("/metrics").status, 200)
        self.assertIn("exited on signal 9", host.log())
        host.error_log.write_text("", encoding="utf-8")

    def test_the_log_is_reopened(self):
        host = self.nginx(SERVER, "promplug_set log_level debug;")
        host.error_log.rename(host.directory / "old.log")
        host.send(signal.SIGUSR1)
        self.eventually(host.error_log.exists, 10, "a new log")
        host.reload()
        self.eventually(lambda: "promplug: Pushgateway disabled" in host.log(), 10, "a line in it")

    def test_each_signal_ends_it_in_order(self):
        for number in (signal.SIGQUIT, signal.SIGTERM, signal.SIGINT):
            with self.subTest(number.name):
                host = self.nginx(SERVER, "promplug_set pushgateway.url http://127.0.0.1:1;"
                                          "promplug_set pushgateway.instance x;")
                self.assertEqual(host.request("/metrics").status, 200)
                start = time.monotonic()
                host.stop(number)
                self.assertLess(time.monotonic() - start, 10)
                self.assertNotIn("exited on signal", host.log())
                self.assertNotIn("open socket", host.log())

    def test_a_new_binary_takes_over(self):
        host = self.nginx(SERVER)
        old = host.master()
        with Traffic(host, ["/"]) as requests:
            host.send(signal.SIGUSR2)
            self.eventually(lambda: pathlib.Path(f"{host.pid_file}.oldbin").exists() and
                            host.pid_file.exists() and host.master() != old, 10, "a new master")
            self.eventually(lambda: host.worker_pids(), 10, "its worker")
            os.kill(old, signal.SIGQUIT)
            self.eventually(lambda: old not in host.processes(), 20, "the old master has ended")
        self.assertEqual(refused(requests), [])
        self.assertEqual(host.request("/metrics").status, 200)

    def test_the_threads_and_descriptors_do_not_grow_with_scrapes(self):
        host = self.nginx(SERVER)
        pid = host.worker_pids()[0]

        def held(what):
            return len(os.listdir(f"/proc/{pid}/{what}"))
        host.request("/metrics")
        # The connection of that scrape may be among them still.
        before = {what: held(what) for what in ("task", "fd")}
        for _ in range(100):
            host.request("/metrics")
        for what, number in before.items():
            self.eventually(lambda w=what, n=number: held(w) <= n, 10,
                            lambda w=what, n=number: f"{held(w)} of {w} are {n} at most")


class MasterTest(NginxCase):
    def test_the_master_has_no_plugin_and_the_workers_have(self):
        host = self.nginx(SERVER, "proxy_cache_path cache keys_zone=box:1m;")

        def has_it(pid):
            return "promplug.so" in pathlib.Path(f"/proc/{pid}/maps").read_text(encoding="utf-8")
        worker = host.worker_pids()[0]
        self.assertEqual([pid for pid in host.processes() if has_it(pid)], [worker])


class BuildTest(NginxCase):
    def test_the_configure_of_nginx_builds_a_module_that_loads(self):
        directory = pathlib.Path(tempfile.mkdtemp(dir=self.directory))
        subprocess.run(["cp", "-rs", SOURCE, directory / "src"], check=True)
        script = (f". ./conf_flags; ./configure --with-cc-opt=-fPIC --with-ld-opt=-fPIC "
                  f'"${{NGX_CONF_FLAGS[@]}}" --add-dynamic-module={MODULE} --builddir=../objs && '
                  "make -f ../objs/Makefile modules")
        done = subprocess.run(["bash", "-c", script], cwd=directory / "src", capture_output=True,
                              text=True, check=False, timeout=250)
        self.assertEqual(done.returncode, 0, done.stdout[-2000:] + done.stderr[-4000:])
        built = directory / "objs/ngx_http_promplug_module.so"
        host = Nginx(self.new_directory(), http_block(SERVER), modules=[built])
        self.addCleanup(self.end, host)
        host.start()
        host.request("/")
        self.counted(host, 1)
        shutil.rmtree(directory)


if __name__ == "__main__":
    unittest.main()
