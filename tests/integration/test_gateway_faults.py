# SPDX-License-Identifier: MIT
"""A Pushgateway that is absent, restarted, killed, refusing, redirecting or hanging."""
import signal
import time
import unittest

from case import NEXT_PUSH_SECONDS, StackCase, Traffic, push_config
from fakes import FakeGateway
from stack.process import free_port
from stack.servers import Pushgateway

SECRET_BODY = b"what-the-gateway-says-on-success"


class AbsentGatewayTest(StackCase):
    def wait_group(self, gateway, instance):
        self.eventually(lambda: gateway.group("photo-api", instance), NEXT_PUSH_SECONDS,
                        f"the group of {instance}")

    def test_a_gateway_that_comes_later_gets_the_push(self):
        port = free_port()
        host = self.host(push_config(f"http://127.0.0.1:{port}", instance="late"))
        # Told when the first push (within 5 s) has used up the time for its retries (10 s).
        host.wait_log(rf"push of the application failed: .*{port}", 25)
        self.assert_serves(host)
        gateway = self.on_port(port)
        self.wait_group(gateway, "late")

    def on_port(self, port):
        class AtPort(Pushgateway):
            def start(self):
                self.port = self.port or port
                super().start()
        return self.server(AtPort)

    def test_a_gateway_that_is_killed_and_restarted_gets_the_whole_state_again(self):
        gateway = self.server(Pushgateway)
        host = self.host(push_config(gateway.url, instance="again"))
        self.wait_group(gateway, "again")
        for end in (signal.SIGKILL, signal.SIGTERM):
            gateway.stop(end)
            host.request(host.failing_path)
            gateway.start()
            self.assertEqual(gateway.groups(), {})
            self.wait_group(gateway, "again")
            self.assertIn(host.requests_family, gateway.group("photo-api", "again"))
        self.assert_serves(host)


class RefusingGatewayTest(StackCase):
    def test_a_refusal_is_logged_once_with_the_text_of_the_gateway_capped(self):
        body = b"pushed metrics are invalid: " + b"x" * 100_000
        for status in (400, 401, 500, 503):
            with self.subTest(status):
                gateway = self.fake(FakeGateway(status, body))
                host = self.host(push_config(gateway.url, instance=f"refused-{status}",
                                             timeout_seconds=5))
                host.wait_log(rf"\b{status}\b", 15)
                self.assert_serves(host)
                self.assertEqual(host.stop(), 0)
                lines = [line for line in host.log().splitlines() if "pushed metrics are" in line]
                self.assertEqual(len(lines), 1, lines)
                self.assertLess(len(lines[0]), 2000)

    def test_a_redirect_is_not_followed_and_names_where_it_leads(self):
        elsewhere = self.fake(FakeGateway())
        gateway = self.fake(FakeGateway(301, b"", [("Location", elsewhere.url + "/metrics/x")]))
        host = self.host(push_config(gateway.url, instance="redirected"))
        host.wait_log(r"301.*" + elsewhere.url.removeprefix("http://"), 15)
        self.assertEqual(host.stop(), 0)
        self.assertEqual(elsewhere.requests, [])

    def test_an_answer_of_success_is_not_printed_by_the_host(self):
        gateway = self.fake(FakeGateway(200, SECRET_BODY))
        host = self.host(push_config(gateway.url, instance="quiet"))
        gateway.wait_requests(1, 10)
        self.assertEqual(host.stop(), 0)
        self.assertNotIn(SECRET_BODY.decode(), host.log())

    def test_the_push_is_one_complete_put_with_its_length(self):
        gateway = self.fake(FakeGateway())
        self.host(push_config(gateway.url, instance="10.0.0.5", headers={"X-Scope": "photos"}))
        request = gateway.wait_requests(1, 10)[0]
        self.assertEqual((request.method, request.path),
                         ("PUT", "/metrics/job/photo-api/instance/10.0.0.5"))
        self.assertTrue(request.headers["Content-Type"].startswith("text/plain"))
        self.assertIsNone(request.headers["Expect"])
        self.assertIsNone(request.headers["Transfer-Encoding"])
        self.assertEqual(request.headers["X-Scope"], "photos")
        self.assertEqual(request.headers["Content-Encoding"], "gzip")
        self.assertTrue(request.body.endswith(b"\n"))
        self.assertIn(b"promplug_build_info", request.body)


class HangingGatewayTest(StackCase):
    def test_a_hanging_gateway_slows_neither_the_requests_nor_the_stop(self):
        gateway = self.fake(FakeGateway())
        host = self.host(push_config(gateway.url, instance="hung", timeout_seconds=14),
                         stop_timeout_ms=2000)
        gateway.wait_requests(1, 10)
        gateway.hanging = True
        gateway.wait_requests(2, NEXT_PUSH_SECONDS)
        with Traffic(host, [host.good_path, "/metrics"]) as traffic:
            self.eventually(lambda: len(traffic.results) >= 400, 20, "400 answers")
        self.assertEqual(traffic.failures, [])
        self.assertEqual({status for _, status, _ in traffic.results}, {200})
        self.assertLess(max(seconds for _, _, seconds in traffic.results), 2)
        start = time.monotonic()
        self.assertEqual(host.stop(), 0)
        self.assertLess(time.monotonic() - start, 5)

    def test_a_push_that_hangs_is_given_up_and_logged(self):
        gateway = self.fake(FakeGateway(hanging=True))
        host = self.host(push_config(gateway.url, instance="given-up", timeout_seconds=2))
        gateway.wait_requests(1, 10)
        host.wait_log(r"(?i)(timed out|timeout|deadline)", 10)
        self.assert_serves(host)


if __name__ == "__main__":
    unittest.main()
