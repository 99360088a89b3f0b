# SPDX-License-Identifier: MIT
"""What `nginx -t` says of the directives, and what nginx does with a plugin that is not right."""
import os
import pathlib
import re
import shutil
import subprocess
import unittest

from nginx_case import METRICS, PLUGIN, QUIET, Nginx, NginxCase, StackError, http_block
from stack.nginx import module_path
from stack.process import free_port
from stack.servers import find_program

ROOT = pathlib.Path(__file__).resolve().parents[2]

SERVER = f"server {{ listen PORT0; promplug on; location / {{ return 200; }} {METRICS} }}"
MANY_LABELS = " ".join(f"promplug_label l{i} $http_x_{i};" for i in range(9))

# Settings, or a server, and what has to be said of it.
WRONG = {
    "promplug_plugin /x.so;": '"promplug_plugin" directive is duplicate',
    "promplug_config a; promplug_config b;": '"promplug_config" directive is duplicate',
    'promplug_config "";': '"promplug_config" directive has an empty path',
    "promplug_set a;": "invalid number of arguments",
    "promplug_set pushgateway.job a; promplug_set pushgateway.job b;":
        '"promplug_set": "pushgateway.job" is duplicate',
    "promplug_multiprocess_dir mp; promplug_set multiprocess.dir /x;":
        '"promplug_set multiprocess.dir" and "promplug_multiprocess_dir" are both there',
    "promplug_label 9x $host;": '"promplug_label": "9x", expected a name of letters, digits and _',
    "promplug_label __x $host;": '"promplug_label": "__x", expected a name',
    "promplug_label server $host;": '"promplug_label": "server" is a label that the metrics have',
    "promplug_label a $host; promplug_label a $uri;": '"promplug_label": "a" is duplicate',
    "promplug_label a host;": '"promplug_label": "host", expected a variable like $host',
    "promplug_label a $host max=0;": '"promplug_label": "max=0", expected max= and a number from 1',
    "promplug_label a $host most=3;": '"promplug_label": "most=3", expected max= and a number',
    "promplug_label a $nothing_here;": 'unknown "nothing_here" variable',
    MANY_LABELS: '"promplug_label": "l8", expected at most 8 labels',
    "promplug_max_series 0;": '"promplug_max_series": 0, expected a number from 1 to 1000000',
    "promplug_request_buckets 1 1;": '"promplug_request_buckets": "1", expected seconds that ascend',
    "promplug_request_buckets 0 1;": '"promplug_request_buckets": "0", expected seconds',
    "promplug_upstream_buckets 1 x2;": '"promplug_upstream_buckets": "x2", expected seconds',
    "promplug_upstream_buckets 1 1e999;": '"promplug_upstream_buckets": "1e999", expected seconds',
    "promplug_upstream_buckets 0x10;": '"promplug_upstream_buckets": "0x10", expected seconds',
    "promplug_request_buckets " + " ".join(map(str, range(1, 102))) + ";":
        '"promplug_request_buckets": 101 bounds, expected at most 100',
    "promplug perhaps;": '"promplug": "perhaps", expected on or off',
    "promplug on; promplug off;": '"promplug" directive is duplicate',
    "promplug on zone=;": '"promplug": "zone=", expected zone= and a name',
    "promplug on zon=a;": '"promplug": "zon=a", expected zone= and a name',
    "promplug_status some;": 'invalid value "some"',
    "promplug_stop_timeout soon;": '"promplug_stop_timeout" directive invalid value',
    "promplug_metrics;": '"promplug_metrics" directive is not allowed here',
    "server { location / { promplug_label a $host; } }": '"promplug_label" directive is not allowed',
    "server { location / { promplug_metrics; promplug_metrics; } }":
        '"promplug_metrics" directive is duplicate',
}


class DirectivesTest(NginxCase):
    def test_what_is_wrong_is_said_with_its_line(self):
        nginx = Nginx(self.new_directory(), None)
        for settings, said in WRONG.items():
            with self.subTest(settings[:60]):
                status, text = nginx.test(http_block(SERVER, settings))
                self.assertEqual(status, 1, text)
                self.assertIn("[emerg]", text)
                self.assertIn(said, text)

    def test_a_directive_that_needs_the_plugin_says_so(self):
        nginx = Nginx(self.new_directory(), lambda ports: f"server {{ {METRICS} }}")
        status, text = nginx.test()
        self.assertEqual(status, 1)
        self.assertIn('"promplug on" and "promplug_metrics" need "promplug_plugin" in http', text)

    def test_everything_at_once_is_right(self):
        nginx = Nginx(self.new_directory(), None)
        status, text = nginx.test(http_block(SERVER, """
            promplug_set pushgateway.job nginx;
            promplug_multiprocess_dir mp;
            promplug_label a $host max=10000; promplug_label b $arg_b;
            promplug_max_series 1000000;
            promplug_request_buckets .5 1e0 2.5; promplug_upstream_buckets 1;
            promplug_stop_timeout 2s;
            promplug_status exact; promplug off;"""))
        self.assertEqual(status, 0, text)
        self.assertNotIn("[emerg]", text)

    def test_the_module_alone_does_nothing(self):
        nginx = Nginx(self.new_directory(), lambda ports: "server { listen PORT; }".replace(
            "PORT", f"127.0.0.1:{ports[0]}"))
        self.addCleanup(self.end, nginx)
        nginx.start()
        self.assertEqual(nginx.request("/").status, 404)
        self.assertNotIn("promplug:", nginx.log())

    def test_many_workers_that_are_no_set_are_told(self):
        nginx = Nginx(self.new_directory(), lambda ports: http_block(SERVER)(ports).replace(QUIET, ""),
                      workers=2)
        _, text = nginx.test()
        self.assertIn("promplug: each of 2 workers answers for itself alone; "
                      '"promplug_multiprocess_dir" makes them one', text)


@unittest.skipUnless(os.geteuid() == 0, "only root could give away what is not its own")
class SharedDirectoryTest(NginxCase):
    def shared_directories(self):
        """By path: why it is refused."""
        base = self.new_directory()
        found = {path: "is / or right below it" for path in ("/", "/run", "/tmp")}
        found.update({"/var/run": "is no directory", "/dev/shm": "may be written to by everybody"})
        for name, said in (("open", "may be written to by everybody"),
                           ("full", "belongs to root and is not empty"),
                           ("foreign", "belongs to another user than the workers")):
            (base / name).mkdir()
            found[str(base / name)] = said
        (base / "open").chmod(0o777)
        (base / "full/file").touch()
        os.chown(base / "foreign", 12345, 12345)
        (base / "link").symlink_to(base / "open")
        found[f"{base}/link"] = found[f"{base}/link/"] = "is no directory"
        found[f"{base}/full/file"] = "is no directory"
        return found

    def test_it_is_refused_with_its_line_and_stays_as_it_is(self):
        for path, said in self.shared_directories().items():
            with self.subTest(path):
                before = os.stat(path)
                nginx = Nginx(self.new_directory(), http_block(SERVER, f"promplug_multiprocess_dir {path};"),
                              user="www-data")
                status, text = nginx.test()
                self.assertEqual(status, 1, text)
                self.assertRegex(text, rf'\[emerg\].*"promplug_multiprocess_dir": ".*" {said}.* in .*nginx.conf:\d')
                with self.assertRaises(StackError):
                    nginx.start()
                after = os.stat(path)
                self.assertEqual((after.st_uid, after.st_gid, after.st_mode),
                                 (before.st_uid, before.st_gid, before.st_mode))


class DocumentTest(NginxCase):
    def test_the_lines_of_the_page_are_a_configuration(self):
        page = (ROOT / "docs/hosts.md").read_text(encoding="utf-8")
        text = re.search(r"```nginx\n(.*?)```", page, re.DOTALL)[1]
        directory = self.new_directory()
        (directory / "promplug.yml").write_text("{}\n", encoding="utf-8")
        for written, here in {"modules/ngx_http_promplug_module.so": module_path(),
                              "/usr/lib/promplug/promplug.so": PLUGIN,
                              "/etc/nginx/promplug.yml": "promplug.yml",
                              "/run/nginx-promplug": directory / "set",
                              "listen 80;": f"listen 127.0.0.1:{free_port()};"}.items():
            self.assertIn(written, text)
            text = text.replace(written, str(here))
        (directory / "own.conf").write_text(f"pid {directory}/nginx.pid;\n{text}", encoding="utf-8")
        done = subprocess.run([find_program("nginx", "nginx"), "-t", "-p", directory, "-c", "own.conf",
                               "-e", directory / "error.log"], capture_output=True, text=True,
                              check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertNotIn("promplug:", done.stderr)

    def test_every_directive_has_its_row(self):
        code = (ROOT / "host_api/nginx/promplug_conf.c").read_text(encoding="utf-8")
        page = (ROOT / "docs/hosts.md").read_text(encoding="utf-8")
        rows = re.findall(r"^\| `(promplug\w*)`", page, re.MULTILINE)
        self.assertEqual(sorted(rows), sorted(re.findall(r'\{ngx_string\("(promplug\w*)"\)', code)))

    def test_every_metric_stands_in_the_page(self):
        page = (ROOT / "docs/hosts.md").read_text(encoding="utf-8")
        host = self.nginx(SERVER)
        host.request("/")
        self.counted(host, 1)
        for name in re.findall(r"^# TYPE (\S+) ", host.request("/metrics").text, re.MULTILINE):
            self.assertIn(f"`{name}`", page)


class PluginFileTest(NginxCase):
    def broken_plugins(self):
        """By name: (path, a text that has to be in the one line)."""
        directory = self.new_directory()
        broken, other = directory / "broken.so", directory / "other.so"
        broken.write_bytes(b"\x7fELF, but not really")
        library = next(path for path in (f"/usr/lib/{os.uname().machine}-linux-gnu/libz.so.1",
                                         "/usr/lib/libz.so.1") if os.path.exists(path))
        shutil.copy(library, other)
        return {"missing": (directory / "missing.so", "missing.so"),
                "no object": (broken, "broken.so"),
                "another library": (other, "is not a promplug plugin")}

    def test_nginx_serves_on_with_one_line_for_each_worker(self):
        for name, (path, said) in self.broken_plugins().items():
            with self.subTest(name):
                host = self.nginx(SERVER, plugin=path)
                self.assertEqual(host.request("/").status, 200)
                self.assertEqual(host.request("/metrics").status, 503)
                lines = [line for line in host.log().splitlines() if "promplug:" in line]
                self.assertEqual(len(lines), 1, lines)
                self.assertIn("[error]", lines[0])
                self.assertIn(str(path), lines[0])
                self.assertIn(said, lines[0])

    def test_a_test_of_the_configuration_warns_and_passes(self):
        for name, (path, said) in self.broken_plugins().items():
            with self.subTest(name):
                nginx = Nginx(self.new_directory(), http_block(SERVER, plugin=path))
                status, text = nginx.test()
                self.assertEqual(status, 0, text)
                self.assertRegex(text, rf"\[warn\].*{path}")
                self.assertIn(said, text)

    def test_a_bad_configuration_of_the_plugin_is_one_line_with_file_and_key(self):
        host_directory = self.new_directory()
        config = host_directory / "promplug.yml"
        config.write_text("pushgateway:\n  intervall: 3\n", encoding="utf-8")
        for settings, said in ((f"promplug_config {config};", f"{config}:2"),
                               ("promplug_set pushgateway.url ftp://x;", "promplug: no metrics: promplug_set: pushgateway.url: "),
                               ("promplug_config /no/such/file.yml;", "/no/such/file.yml")):
            with self.subTest(settings):
                host = self.nginx(SERVER, settings)
                self.assertEqual(host.request("/").status, 200)
                self.assertEqual(host.request("/metrics").status, 503)
                lines = [line for line in host.log().splitlines() if "promplug:" in line]
                self.assertEqual(len(lines), 1, lines)
                self.assertIn(said, lines[0])
                status, text = host.test()
                self.assertEqual(status, 0, text)
                self.assertIn("[warn]", text)
                self.assertIn(said, text)

    def test_a_test_is_none_of_the_processes_of_the_set(self):
        nginx = Nginx(self.new_directory(), http_block(SERVER, "promplug_multiprocess_dir set;"))
        status, text = nginx.test()
        self.assertEqual(status, 0, text)
        self.assertNotIn("promplug:", text)
        self.assertFalse((nginx.directory / "set").exists())

    def test_a_directory_that_is_not_there_is_said_and_each_worker_goes_on_alone(self):
        missing = self.new_directory() / "none"
        for setting in (f"promplug_set multiprocess.dir {missing};",
                        f"promplug_multiprocess_dir {missing}/set;"):
            with self.subTest(setting):
                host = self.nginx(SERVER, setting)
                host.request("/")
                self.counted(host, 1)
                self.assertRegex(host.log(), rf"\[error\].*promplug: .*{missing}")
        self.assertRegex(host.log(), rf'\[warn\].*"promplug_multiprocess_dir": "{missing}/set" cannot be made')

    def test_a_plugin_that_comes_later_is_taken_by_a_reload(self):
        path = self.new_directory() / "promplug.so"
        host = self.nginx(SERVER, plugin=path)
        self.assertEqual(host.request("/metrics").status, 503)
        shutil.copy(PLUGIN, path)
        host.reload()
        self.assertEqual(host.request("/metrics").status, 200)

    @unittest.skipUnless(os.geteuid() == 0, "only root changes the user of its workers")
    def test_workers_of_another_user_load_it(self):
        directory = self.new_directory()
        for path in (directory.parent, directory):
            path.chmod(0o755)
        path = directory / "promplug.so"
        shutil.copy(PLUGIN, path)
        path.chmod(0o644)
        host = self.nginx(SERVER, plugin=path, user="www-data")
        self.assertEqual(host.request("/metrics").status, 200)
        self.assertNotEqual(os.stat(f"/proc/{host.worker_pids()[0]}").st_uid, 0)


if __name__ == "__main__":
    unittest.main()
