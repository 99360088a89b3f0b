# SPDX-License-Identifier: MIT
"""The WSGI middleware under a real gunicorn with sync workers."""
import os
import pathlib
import signal
import unittest

import promplug
import promplug.wsgi
from stack.process import wait_until
from stack.servers import Pushgateway
from support import WAIT_SECONDS, exposition, sample
from web_case import APPS, WebCase


class GunicornTest(WebCase):
    def test_requests_are_counted_by_rule_method_and_exact_status(self):
        server = self.gunicorn()
        asked = {"/items/3": ("/items/<int:id>", 200), "/boom": ("/boom", 500), "/stream": ("/stream", 202),
                 "/items/x": ("unmatched", 404), "/none": ("unmatched", 404)}
        for path, (_, status) in asked.items():
            self.assertEqual(server.get(path).status, status, path)
        self.assertEqual(server.request("POST", "/items/3").status, 405)
        text = server.metrics()
        for route, status, number in (("/items/<int:id>", 200, 2), ("/boom", 500, 1), ("/stream", 202, 1),
                                      ("unmatched", 404, 2)):
            labels = {"method": "GET", "route": route, "status": str(status)}
            self.assertEqual(sample(text, "http_requests_total", **labels), number, labels)
            self.assertEqual(sample(text, "http_request_duration_seconds_count", **labels), number)
        self.assertEqual(sample(text, "http_requests_in_flight"), 0)

    def test_a_bare_application_names_its_route_and_the_middleware_its_path(self):
        server = self.gunicorn(application="wsgi_app:bare", ready="/x")
        self.assertEqual(server.get("/raises").status, 500)
        text = server.get("/m").text
        self.assertEqual(sample(text, "bare_requests_total", method="GET", route="/bare/{anything}",
                                status="299"), 1)
        self.assertEqual(sample(text, "bare_requests_total", method="GET", route="unmatched",
                                status="500"), 1)
        self.assertEqual(server.get("/metrics").status, 299, "not its path here")

    def test_a_file_is_sent_by_the_server_without_being_read(self):
        server = self.gunicorn(application="wsgi_app:bare", ready="/x")
        answer = server.get("/file")
        self.assertEqual((answer.status, answer.body), (200, (APPS / "wsgi_app.py").read_bytes()))
        text = server.get("/m").text
        self.assertEqual(sample(text, "bare_requests_total", method="GET", route="/file", status="200"), 1)
        self.assertEqual(sample(text, "bare_requests_in_flight"), 0)

    def test_a_scrape_is_answered_with_its_length(self):
        server = self.gunicorn()
        answer = server.get("/metrics", headers={"Accept-Encoding": "gzip"})
        self.assertEqual(answer.headers["Content-Encoding"], "gzip")
        self.assertEqual(int(answer.headers["Content-Length"]), len(answer.body))
        head = server.request("HEAD", "/metrics")
        self.assertEqual((head.status, head.body), (200, b""))
        wrong = server.request("POST", "/metrics", body=b"x")
        self.assertEqual((wrong.status, wrong.headers["Allow"]), (405, "GET, HEAD"))

    def test_without_a_plugin_it_serves_on(self):
        server = self.gunicorn(PROMPLUG_PLUGIN="/nowhere/promplug.so")
        self.assertEqual(server.get("/metrics").status, 404)
        self.assertEqual(server.process.log().count("serving without metrics"), 1)

    def test_each_worker_answers_for_itself_with_and_without_preload(self):
        for preload in ((), ("--preload",)):
            with self.subTest(preload):
                server = self.gunicorn("--workers", "2", *preload)
                seen = {}

                def both_answered():
                    text = server.metrics()
                    worker = sample(text, "worker_pid")
                    seen[worker] = sample(text, "http_requests_total", method="GET",
                                          route="/items/<int:id>", status="200") or 0
                    return len(seen) == 2

                wait_until(both_answered, WAIT_SECONDS, "both workers answer a scrape")
                self.assertEqual(set(seen), server.workers())
                # What is counted is what this worker answered: the one request so far, of one of them.
                self.assertEqual(sum(seen.values()), 1)
                self.assertEqual(server.process.stop(), 0)

    def test_a_worker_that_is_killed_is_replaced_by_one_with_metrics(self):
        for preload in ((), ("--preload",)):
            with self.subTest(preload):
                server = self.gunicorn("--workers", "2", *preload)
                wait_until(lambda: len(server.workers()) == 2, WAIT_SECONDS, "two workers")
                victim = min(server.workers())
                os.kill(victim, signal.SIGKILL)
                wait_until(lambda: len(server.workers() - {victim}) == 2, WAIT_SECONDS, "a new worker")
                workers, seen = server.workers(), set()
                wait_until(lambda: seen.add(sample(server.metrics(), "worker_pid")) or seen >= workers,
                           WAIT_SECONDS, lambda: f"scrapes of {workers}, seen {seen}")

    def test_the_last_push_comes_at_sigterm(self):
        gateway = Pushgateway(self.directory())
        self.addCleanup(gateway.stop)
        server = self.gunicorn(overrides={
            "pushgateway.url": gateway.url, "pushgateway.job": "python", "forward": "[]",
            "pushgateway.instance": "gunicorn", "pushgateway.interval_seconds": "3600"})
        self.assert_pushes_at_its_end(server, gateway)

    def test_a_preloaded_plugin_that_is_started_after_the_fork_is_the_workers_alone(self):
        gateway = Pushgateway(self.directory())
        self.addCleanup(gateway.stop)
        server = self.gunicorn("--preload", "--config", APPS / "post_fork.py", APP_POST_FORK="1", overrides={
            "pushgateway.url": gateway.url, "pushgateway.job": "python", "forward": "[]",
            "pushgateway.instance": "gunicorn", "pushgateway.interval_seconds": "3600"})
        self.assertFalse(self.plugin_threads(server.process.pid))
        (worker,) = server.workers()
        self.assertTrue(self.plugin_threads(worker))
        self.assert_pushes_at_its_end(server, gateway)

    def assert_pushes_at_its_end(self, server, gateway):
        for _ in range(7):
            server.get("/boom")
        self.assertEqual(server.process.stop(), 0)
        pushed = {metric["labels"]["route"]: float(metric["value"])
                  for metric in gateway.group("python", "gunicorn")["http_requests_total"]["metrics"]}
        self.assertEqual(pushed["/boom"], 7)

    def plugin_threads(self, pid):
        names = {path.read_text().strip() for path in pathlib.Path(f"/proc/{pid}/task").glob("*/comm")}
        return {name for name in names if name.startswith("pp-")}


class MiddlewareTest(WebCase):
    """What needs no server: the protocol by hand."""

    def test_a_body_is_closed_once_and_counted_at_its_close(self):
        plugin = self.load()
        closed = []

        class Body:
            def __iter__(self):
                return iter([b"x"])

            def close(self):
                closed.append(True)

        def application(environ, start_response):
            start_response("200 OK", [])
            return Body()

        middleware = promplug.wsgi.Middleware(application, plugin)
        body = middleware({"REQUEST_METHOD": "GET", "PATH_INFO": "/x"}, lambda *_: None)
        self.assertEqual(sample(exposition(plugin), "http_requests_in_flight"), 1)
        self.assertEqual(list(body), [b"x"])
        body.close()
        body.close()
        self.assertEqual(sample(exposition(plugin), "http_requests_in_flight"), 0)
        self.assertEqual(sample(exposition(plugin), "http_requests_total", method="GET", route="unmatched",
                                status="200"), 1)
        self.assertEqual(len(closed), 2, "the application's own close() is not ours to filter")

    def test_a_file_is_the_servers_own_and_ends_its_request_when_it_is_closed(self):
        class Wrapper:
            def __init__(self, file):
                self.closed = 0
                self.file = file

            def close(self):
                self.closed += 1

        class Without:  # close(), as the protocol allows
            pass

        class Frozen(Wrapper):  # as a type in C
            def __setattr__(self, name, value):
                if name == "close":
                    raise AttributeError(name)
                super().__setattr__(name, value)

        for kind, arguments, in_flight in ((Wrapper, ("f",), 1), (Without, (), 1), (Frozen, ("f",), 0)):
            with self.subTest(kind):
                plugin, made = self.load(), kind(*arguments)

                def application(environ, start_response):
                    start_response("200 OK", [])
                    return made

                environ = {"REQUEST_METHOD": "GET", "PATH_INFO": "/x", "wsgi.file_wrapper": kind}
                body = promplug.wsgi.Middleware(application, plugin)(environ, lambda *_: None)
                self.assertIs(body, made)
                self.assertEqual(sample(exposition(plugin), "http_requests_in_flight"), in_flight)
                getattr(body, "close", lambda: None)()
                self.assertEqual(getattr(made, "closed", 1), 1)
                text = exposition(plugin)
                self.assertEqual(sample(text, "http_requests_in_flight"), 0)
                self.assertEqual(sample(text, "http_requests_total", method="GET", route="unmatched",
                                        status="200"), 1)

    def test_a_plugin_that_does_not_run_leaves_its_path_to_the_application(self):
        plugin = self.load(start=False)
        statuses = []

        def application(environ, start_response):
            start_response("204 No Content", [])
            return []

        middleware = promplug.wsgi.Middleware(application, plugin)
        middleware({"REQUEST_METHOD": "GET", "PATH_INFO": "/metrics"}, lambda status, _: statuses.append(status))
        self.assertEqual(statuses, ["204 No Content"])


if __name__ == "__main__":
    unittest.main()
