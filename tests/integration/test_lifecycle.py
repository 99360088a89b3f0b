# SPDX-License-Identifier: MIT
"""The host serves whatever becomes of its plugin: missing, broken, badly configured, reloaded."""
import pathlib
import shutil
import signal
import unittest

from case import StackCase, push_config
from exposition import value
from fakes import FakeGateway
from stack import web
from stack.process import free_port


def plugin_lines(host):
    return [line for line in host.log().splitlines() if "promplug" in line]


class BrokenPluginTest(StackCase):
    def assert_serves_without_plugin(self, host):
        self.assert_serves(host)
        self.assertNotEqual(host.metrics().status, 200)
        self.assertEqual(host.stop(), 0)

    def test_without_a_plugin_the_host_serves(self):
        self.assert_serves_without_plugin(self.host(plugin=""))

    def test_a_missing_plugin_file_is_one_line_that_names_it(self):
        missing = str(self.new_directory() / "promplug.so")
        host = self.host(plugin=missing)
        host.wait_log("promplug")
        self.assert_serves_without_plugin(host)
        lines = plugin_lines(host)
        self.assertEqual(len(lines), 1, lines)
        self.assertIn(missing, lines[0])

    def test_a_plugin_that_is_no_shared_object_is_one_line_that_names_it(self):
        broken = self.new_directory() / "promplug.so"
        broken.write_bytes(b"\x7fELF, but not really")
        host = self.host(plugin=str(broken))
        host.wait_log("promplug")
        self.assert_serves_without_plugin(host)
        lines = plugin_lines(host)
        self.assertEqual(len(lines), 1, lines)
        self.assertIn(str(broken), lines[0])

    def test_a_shared_object_that_is_no_promplug_is_one_line_that_names_it(self):
        found = next(pathlib.Path("/usr/lib").rglob("libz.so.1"), None) or next(
            pathlib.Path("/lib").rglob("libz.so.1"))
        other = self.new_directory() / "promplug.so"
        shutil.copy(found, other)
        host = self.host(plugin=str(other))
        host.wait_log("promplug")
        self.assert_serves_without_plugin(host)
        lines = plugin_lines(host)
        self.assertEqual(len(lines), 1, lines)
        self.assertIn(str(other), lines[0])
        self.assertIn("promplug_entry", lines[0])


class ConfigTest(StackCase):
    def test_a_bad_configuration_is_one_error_that_names_file_line_and_key(self):
        cases = {
            "unknown key": ("pushgateway:\n  job: x\n  ulr: http://127.0.0.1:1\n", 3, "ulr"),
            "wrong type": ("scrape:\n  compression: perhaps\n", 2, "compression"),
            "impossible value": ("pushgateway:\n  url: ftp://127.0.0.1\n", 2, "url"),
            "empty job": ("pushgateway:\n  url: http://127.0.0.1:1\n  job: ''\n", 3, "job"),
        }
        for name, (text, line, key) in cases.items():
            with self.subTest(name):
                host = self.host(text)
                path = str(host.plugin_config_path)
                found = host.wait_log(rf"^.*{path}\b.*$")[0]
                self.assertRegex(found, rf"{path}:{line}\b|{path}.*\bline {line}\b")
                self.assertIn(key, found)
                self.assert_serves(host)
                self.assertNotEqual(host.metrics().status, 200)
                self.assertEqual(host.stop(), 0)
                self.assertEqual(host.log().count(path), 1, host.log())

    def test_a_file_that_is_no_yaml_or_not_there_is_named(self):
        host = self.host("pushgateway: [\n")
        host.wait_log(str(host.plugin_config_path))
        self.assert_serves(host)
        absent = self.absent_config_host()
        absent.wait_log(str(absent.plugin_config_path))
        self.assert_serves(absent)

    def absent_config_host(self):
        host = self.host(push_config("http://127.0.0.1:1"))
        host.stop()
        host.plugin_config_path.unlink()
        return host.start()

    def test_a_password_in_a_bad_configuration_is_not_quoted(self):
        host = self.host("pushgateway:\n  url: http://u:hush-hush@127.0.0.1:1/?x=[\n  jbo: x\n")
        host.wait_log(str(host.plugin_config_path))
        host.stop()
        self.assertNotIn("hush-hush", host.log())


class ReloadTest(StackCase):
    def test_a_reload_takes_the_new_configuration_and_keeps_the_counts(self):
        before, after = self.fake(FakeGateway()), self.fake(FakeGateway())
        host = self.host(push_config(before.url, instance="one"))
        before.wait_requests(1, 10)
        for _ in range(5):
            host.request(host.failing_path)
        host.reload(push_config(after.url, instance="two", job="photo-api-2"))
        request = after.wait_requests(1, 10)[0]
        self.assertEqual(request.path, "/metrics/job/photo-api-2/instance/two")
        counted = value(host.metrics().text, host.requests_family, route=host.failing_path)
        self.assertEqual(counted, 5)

    def test_a_bad_new_configuration_is_an_error_and_the_old_one_stays(self):
        gateway = self.fake(FakeGateway())
        host = self.host(push_config(gateway.url, on_stop="push"))
        gateway.wait_requests(1, 10)
        host.reload("pushgateway:\n  intreval_seconds: 20\n")
        host.wait_log(r"intreval_seconds")
        self.assertEqual(host.metrics().status, 200)
        seen = len(gateway.requests)
        self.assertEqual(host.stop(), 0)
        self.assertGreater(len(gateway.requests), seen)

    def test_the_push_is_turned_off_and_on_by_reloads(self):
        gateway = self.fake(FakeGateway())
        host = self.host({"forward": []})
        host.wait_log(r"Pushgateway disabled \(")
        host.reload(push_config(gateway.url))
        gateway.wait_requests(1, 10)
        host.reload({"forward": []})
        self.eventually(lambda: host.log().count("Pushgateway disabled (") == 2, 10, "off again")
        self.assertEqual(host.metrics().status, 200)

    def test_the_listener_comes_and_goes_with_a_reload(self):
        host = self.host({"forward": []})
        from_port = self.listen_by_reload(host)
        host.reload({"forward": []})
        self.eventually(lambda: web.status(f"http://127.0.0.1:{from_port}/metrics") == 0, 10,
                        "the listener is closed")
        self.assert_serves(host)

    def listen_by_reload(self, host):
        port = free_port()
        host.reload({"forward": [], "scrape": {"listen": f"127.0.0.1:{port}"}})
        self.eventually(lambda: web.status(f"http://127.0.0.1:{port}/metrics") == 200, 10,
                        lambda: f"the listener on {port}; log:\n{host.log()}")
        return port


class StopTest(StackCase):
    def test_the_host_ends_in_good_order_by_each_signal(self):
        for number in (signal.SIGTERM, signal.SIGINT):
            with self.subTest(number.name):
                host = self.host({"forward": []})
                host.request(host.good_path)
                self.assertEqual(host.stop(number), 0)


if __name__ == "__main__":
    unittest.main()
