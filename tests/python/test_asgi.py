# SPDX-License-Identifier: MIT
"""The ASGI middleware under a real uvicorn, and gunicorn with uvicorn's workers."""
import asyncio
import gzip
import http.client
import os
import signal
import threading
import unittest

import promplug
import promplug.asgi
from stack.process import wait_until
from stack.servers import Pushgateway
from support import WAIT_SECONDS, exposition, read_samples, sample
from web_case import WebCase


class UvicornTest(WebCase):

    def test_requests_are_counted_by_template_method_and_exact_status(self):
        server = self.uvicorn()
        asked = {"/api/items/3": ("/api/items/{id}", 200), "/api/items/x": ("/api/items/{id}", 422),
                 "/boom": ("/boom", 500), "/tenants/acme/things/7": ("/tenants/{tenant}/things/{key}", 200),
                 "/tenants/acme/none": ("unmatched", 404), "/star/q/1": ("/star/q/{z}", 200),
                 "/star/deep/1": ("/star/deep/{y}", 200), "/nothing/at/all": ("unmatched", 404)}
        before = read_samples(server.metrics())
        for path, (_, status) in asked.items():
            self.assertEqual(server.get(path).status, status, path)
        self.assertEqual(server.request("POST", "/api/items/3").status, 405)
        self.assertEqual(server.request("BREW", "/api/items/3").status, 405)
        text = server.metrics()
        wanted = {}
        for template, status in [*asked.values()]:
            key = ("GET", template, str(status))
            wanted[key] = wanted.get(key, 0) + 1
        wanted[("POST", "/api/items/{id}", "405")] = wanted[("other", "/api/items/{id}", "405")] = 1
        for (method, route, status), number in wanted.items():
            labels = {"method": method, "route": route, "status": status}
            key = tuple(sorted(labels.items()))
            earlier = before.get(("http_requests_total", key), 0)
            self.assertEqual(sample(text, "http_requests_total", **labels) - earlier, number, labels)
            self.assertEqual(sample(text, "http_request_duration_seconds_count", **labels) - earlier, number)
        routes = {dict(labels).get("route") for name, labels in read_samples(text)
                  if name == "http_requests_total"}
        self.assertEqual(routes, {route for _, route, _ in wanted}, "no raw path")
        self.assertEqual(sample(text, "http_requests_in_flight"), 0)

    def test_a_body_that_breaks_off_is_counted_with_the_status_that_was_sent(self):
        server = self.uvicorn()
        with self.assertRaises(http.client.HTTPException):
            server.get("/late-boom")
        self.assertEqual(server.counted(method="GET", route="/late-boom", status="200"), 1)
        self.assertEqual(sample(server.metrics(), "http_requests_in_flight"), 0)

    def test_a_scrape_is_answered_in_every_form_of_http(self):
        server = self.uvicorn(APP_SERIES="20000", overrides={"collectors.timeout_seconds": "30",
                                                             "scrape.timeout_seconds": "30"})
        plain = server.get("/metrics")
        self.assertEqual(plain.headers["Transfer-Encoding"], "chunked")
        self.assertEqual(sample(plain.text, "many", n="19999"), 19999)
        self.assertGreater(len(plain.body), 3 * 65536)
        zipped = server.get("/metrics", headers={"Accept-Encoding": "gzip"})
        self.assertEqual(zipped.headers["Content-Encoding"], "gzip")
        self.assertEqual(sample(gzip.decompress(zipped.body).decode(), "many", n="7"), 7)
        head = server.request("HEAD", "/metrics")
        self.assertEqual((head.status, head.body), (200, b""))
        wrong = server.request("POST", "/metrics", body=b"x")
        self.assertEqual((wrong.status, wrong.headers["Allow"]), (405, "GET, HEAD"))
        named = server.get("/metrics?name[]=many&name[]=http_requests_in_flight")
        self.assertNotIn("http_requests_total", named.text)
        self.assertEqual(self.by_http_1_0(server), read_samples(server.metrics()).keys())

    def by_http_1_0(self, server):
        """The samples of an answer that has no chunks, which its length ends."""
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=WAIT_SECONDS)
        connection._http_vsn, connection._http_vsn_str = 10, "HTTP/1.0"
        self.addCleanup(connection.close)
        connection.request("GET", "/metrics")
        answer = connection.getresponse()
        body = answer.read()
        self.assertEqual(int(answer.headers["Content-Length"]), len(body))
        return read_samples(body.decode()).keys()

    def test_a_scrape_that_waits_for_a_collector_does_not_hold_the_loop(self):
        server = self.uvicorn(APP_HANGING="1", overrides={"scrape.timeout_seconds": "30"})
        texts = []
        scrapes = [threading.Thread(target=lambda: texts.append(server.metrics())) for _ in range(3)]
        for scrape in scrapes:
            scrape.start()
        # Answered by the loop that the scrapes would hold; without it they would not end.
        self.assertEqual(server.get("/api/items/1").status, 200)
        self.assertEqual(server.get("/let-go").status, 200)
        for scrape in scrapes:
            scrape.join()
        self.assertEqual([sample(text, "hanging") for text in texts], [1, 1, 1])

    def test_a_request_ends_with_its_answer_whatever_its_background_tasks_do(self):
        server = self.uvicorn()
        labels = {"method": "GET", "route": "/and-then", "status": "200"}
        self.assertEqual(server.get("/and-then").status, 200)
        text = server.metrics()
        self.assertEqual(sample(text, "http_requests_total", **labels), 1)
        self.assertEqual(sample(text, "http_requests_in_flight"), 0)
        self.assertEqual(server.get("/let-go").status, 200)
        self.assertEqual(server.process.stop(), 0)

    def test_without_a_lifespan_the_first_request_starts_the_plugin(self):
        gateway = Pushgateway(self.directory())
        self.addCleanup(gateway.stop)
        server = self.uvicorn("--lifespan", "off", ready="/metrics", overrides={
            "pushgateway.url": gateway.url, "pushgateway.job": "python", "forward": "[]",
            "pushgateway.instance": "no-lifespan", "pushgateway.interval_seconds": "3600"})
        self.assertEqual(server.get("/metrics").status, 200)
        self.assertEqual(server.get("/star/q/1").status, 200)
        self.assertEqual(server.process.stop(), 0)
        self.assertEqual(server.process.log().count("starts with the first request"), 1)
        self.assertEqual(server.process.log().count("Traceback"), 0, server.process.log())
        (counted,) = gateway.group("python", "no-lifespan")["http_requests_total"]["metrics"]
        self.assertEqual((counted["labels"]["route"], float(counted["value"])), ("/star/q/{z}", 1))

    def test_scrapers_that_go_away_leave_nothing_behind(self):
        server = self.uvicorn(APP_HANGING="1", APP_SERIES="20000",
                              overrides={"scrape.timeout_seconds": "30", "scrape.max_requests_in_flight": "2"})
        for _ in range(6):
            connection = http.client.HTTPConnection("127.0.0.1", server.port)
            connection.request("GET", "/metrics")
            connection.close()
        self.assertEqual(server.get("/let-go").status, 200)
        wait_until(lambda: server.get("/metrics").status == 200, WAIT_SECONDS, "scrapes are not refused")
        self.assertEqual(server.process.stop(), 0)

    def test_the_path_is_that_of_the_configuration_or_of_the_middleware(self):
        configured = self.uvicorn(overrides={"scrape.path": "/internal/metrics"})
        self.assertEqual(configured.get("/metrics").status, 404)
        self.assertEqual(configured.get("/internal/metrics").status, 200)
        given = self.uvicorn(options={"metrics_path": "/m"})
        self.assertEqual((given.get("/metrics").status, given.get("/m").status), (404, 200))

    def test_without_a_plugin_or_with_a_broken_one_it_serves_on(self):
        for plugin, lines in (("", 0), ("/nowhere/promplug.so", 1)):
            with self.subTest(plugin):
                server = self.uvicorn(PROMPLUG_PLUGIN=plugin)
                self.assertEqual(server.get("/metrics").status, 404)
                self.assertEqual(server.get("/star/q/1").status, 200)
                self.assertEqual(server.process.stop(), 0)
                self.assertEqual(server.process.log().count("serving without metrics"), lines)

    def test_each_of_several_workers_answers_for_itself_and_outlives_the_others(self):
        server = self.uvicorn("--workers", "2")
        pids = set()
        wait_until(lambda: pids.add(server.get("/api/items/1").json()["pid"]) or len(pids) == 2,
                   WAIT_SECONDS, "both workers answer")
        self.assertEqual(sample(server.metrics(), "http_requests_in_flight"), 0)
        victim = pids.pop()
        os.kill(victim, signal.SIGKILL)
        wait_until(lambda: victim not in server.workers() or self.is_zombie(victim), WAIT_SECONDS, "it is gone")
        for _ in range(10):
            self.assertEqual(server.get("/api/items/1").json()["pid"], next(iter(pids)))
            self.assertGreater(server.counted(method="GET", route="/api/items/{id}", status="200"), 0)

    def is_zombie(self, pid):
        with open(f"/proc/{pid}/stat", encoding="utf-8") as stat:
            return stat.read().rsplit(")", 1)[1].split()[0] == "Z"

    def test_gunicorn_runs_it_with_workers_of_uvicorn(self):
        for preload in ((), ("--preload",)):
            with self.subTest(preload):
                server = self.gunicorn("--workers", "2", "--worker-class", "uvicorn.workers.UvicornWorker",
                                       *preload, application="asgi_app:app", ready="/api/items/1")
                for _ in range(10):
                    server.get("/api/items/1")
                self.assertGreater(server.counted(method="GET", route="/api/items/{id}", status="200"), 0)
                self.assertEqual(server.process.stop(), 0)


class MiddlewareTest(WebCase):
    """What needs no server: the protocol by hand."""

    def ask(self, middleware, path="/", method="GET", kind="http", messages=()):
        sent, waiting = [], list(messages)

        async def receive():
            return waiting.pop(0)

        async def send(message):
            sent.append(message)

        scope = {"type": kind, "method": method, "path": path, "query_string": b"", "headers": [],
                 "http_version": "1.1", "root_path": ""}
        asyncio.run(middleware(scope, receive, send))
        return sent

    async def echo(self, scope, receive, send):
        if scope["type"] == "lifespan":
            for name in ("startup", "shutdown"):
                await receive()
                await send({"type": f"lifespan.{name}.complete"})
            return
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    def test_the_route_can_be_named_by_the_application(self):
        plugin = self.load()
        middleware = promplug.asgi.Middleware(self.echo, plugin, route_of=lambda scope: "/named", prefix="x")
        self.ask(middleware, "/some/path")
        self.assertEqual(sample(exposition(plugin), "x_requests_total", method="GET", route="/named",
                                status="204"), 1)

    def test_a_request_does_not_fail_where_its_route_cannot_be_told(self):
        plugin = self.load()
        middleware = promplug.asgi.Middleware(self.echo, plugin, route_of=lambda scope: 1 // 0)
        with self.assertLogs("promplug"):
            self.assertEqual(self.ask(middleware, "/some/path")[0]["status"], 204)
        self.assertEqual(sample(exposition(plugin), "http_requests_total", method="GET",
                                route="unmatched", status="204"), 1)

    def test_the_plugin_lives_from_startup_to_shutdown(self):
        plugin = self.load(start=False)
        states = []

        async def application(scope, receive, send):
            await receive()
            states.append(plugin.status().state)
            await send({"type": "lifespan.startup.complete"})
            await receive()
            states.append(plugin.status().state)
            await send({"type": "lifespan.shutdown.complete"})

        events = [{"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}]
        for _ in range(2):
            self.ask(promplug.asgi.Middleware(application, plugin), kind="lifespan", messages=events)
            states.append(plugin.status().state)
        self.assertEqual(states, ["running", "running", "stopped"] * 2)
        self.ask(promplug.asgi.Middleware(application, plugin, manage=False), kind="lifespan", messages=events)
        self.assertEqual(states[-2:], ["stopped", "stopped"])

    def test_a_plugin_that_does_not_run_leaves_its_path_to_the_application(self):
        plugin = self.load(start=False)
        middleware = promplug.asgi.Middleware(self.echo, plugin, manage=False)
        seen = [self.ask(middleware, "/metrics")[0]["status"]]
        for change in (plugin.start, plugin.stop, plugin.start, plugin.close):
            change()
            seen.append(self.ask(middleware, "/metrics")[0]["status"])
        self.assertEqual(seen, [204, 200, 204, 200, 204])

    def test_a_request_starts_a_plugin_that_no_startup_has_started_once_and_none_that_was_stopped(self):
        plugin = self.load(start=False)
        calls, start = [], plugin.start
        plugin.start = lambda: calls.append(threading.current_thread()) or start()
        middleware = promplug.asgi.Middleware(self.echo, plugin)

        async def many():
            scope = {"type": "http", "method": "GET", "path": "/metrics", "query_string": b"", "headers": []}
            statuses = []

            async def send(message):
                statuses.append(message.get("status"))

            with self.assertLogs("promplug", "WARNING") as logs:
                await asyncio.gather(*(middleware(dict(scope), None, send) for _ in range(5)))
            self.assertEqual(len(logs.output), 1, logs.output)
            self.assertEqual(statuses.count(200), 5)

        asyncio.run(many())
        self.assertEqual(len(calls), 1)
        self.assertIsNot(calls[0], threading.main_thread())
        events = [{"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}]
        self.ask(middleware, kind="lifespan", messages=events)  # a late one; it stops what runs
        self.assertEqual(self.ask(middleware, "/metrics")[0]["status"], 204)
        stopped = promplug.asgi.Middleware(self.echo, plugin)
        self.assertEqual(self.ask(stopped, "/metrics")[0]["status"], 204)
        self.assertEqual(plugin.status().state, "stopped")

    def test_a_cancelled_request_leaves_the_start_to_the_others(self):
        plugin = self.load(start=False)
        begun, let_go, start = threading.Event(), threading.Event(), plugin.start
        self.addCleanup(let_go.set)
        plugin.start = lambda: begun.set() or let_go.wait(WAIT_SECONDS) and start()
        middleware = promplug.asgi.Middleware(self.echo, plugin)
        sent = []

        async def send(message):
            sent.append(message)

        async def cancel_the_first():
            scope = {"type": "http", "method": "GET", "path": "/x", "query_string": b"", "headers": []}
            first, second = (asyncio.ensure_future(middleware(dict(scope), None, send)) for _ in range(2))
            await asyncio.get_running_loop().run_in_executor(None, begun.wait, WAIT_SECONDS)
            first.cancel()
            with self.assertRaises(asyncio.CancelledError):
                await first
            let_go.set()
            await second

        with self.assertLogs("promplug"):
            asyncio.run(cancel_the_first())
        self.assertEqual(sent[0]["status"], 204)
        self.assertEqual(plugin.status().state, "running")

    def counted(self, plugin):
        """Answers of any status, and requests in flight, in a scrape."""
        text = exposition(plugin)
        return (sum(value for (name, _), value in read_samples(text).items() if name == "http_requests_total"),
                sample(text, "http_requests_in_flight"))

    def test_a_request_ends_with_the_last_message_of_its_answer_before_that_goes_out(self):
        start = {"type": "http.response.start", "status": 200, "headers": []}
        more = {"type": "http.response.body", "body": b"x", "more_body": True}
        body = {"type": "http.response.body", "body": b"x"}
        path = {"type": "http.response.pathsend", "path": "/x"}
        file = {"type": "http.response.zerocopysend", "file": 1}
        trailers = {"type": "http.response.trailers", "headers": []}
        for messages in ([start, body], [start, more, more, body], [start, path], [start, {**file, "more_body": True}, file],
                         [{**start, "trailers": True}, more, body, {**trailers, "more_trailers": True}, trailers]):
            with self.subTest(messages):
                plugin, seen = self.load(), []

                async def application(scope, receive, send):
                    for message in messages:
                        await send(message)
                    seen.append(self.counted(plugin))
                    raise RuntimeError("in a background task")

                async def send(message):
                    seen.append(self.counted(plugin))

                middleware = promplug.asgi.Middleware(application, plugin)
                with self.assertRaises(RuntimeError):
                    asyncio.run(middleware({"type": "http", "method": "GET", "path": "/x"}, None, send))
                self.assertEqual(seen, [(0, 1)] * (len(messages) - 1) + [(1, 0)] * 2)
                self.assertEqual(self.counted(plugin), (1, 0))

    def test_an_answer_that_never_ends_is_counted_at_the_return(self):
        plugin = self.load()

        async def application(scope, receive, send):
            await send({"type": "http.response.start", "status": 200, "headers": []})

        self.ask(promplug.asgi.Middleware(application, plugin))
        self.assertEqual(self.counted(plugin), (1, 0))

    def fill(self, plugin, series):
        counter = promplug.Counter("many", "x", ["n"], plugin=plugin)
        for number in range(series):
            counter.labels(number).inc()

    def test_between_two_pieces_of_a_scrape_others_have_their_turns(self):
        plugin = self.load({"limits.max_series_per_family": "50000"})
        self.fill(plugin, 30000)
        middleware = promplug.asgi.Middleware(self.echo, plugin)
        turns, at_send = [0], []

        async def send(message):  # as of a server that buffers
            at_send.append(turns[0])

        async def receive():
            await asyncio.Event().wait()

        async def count_turns():
            while True:
                turns[0] += 1
                await asyncio.sleep(0)

        async def both():
            other = asyncio.ensure_future(count_turns())
            await middleware({"type": "http", "method": "GET", "path": "/metrics", "query_string": b"",
                              "headers": []}, receive, send)
            other.cancel()

        asyncio.run(both())
        bodies = at_send[1:]
        self.assertGreater(len(bodies), 10)
        self.assertEqual(len(set(bodies)), len(bodies), "turns of the other task at each piece")

    def test_a_scrape_ends_where_its_client_goes_away(self):
        plugin = self.load({"limits.max_series_per_family": "50000"})
        self.fill(plugin, 30000)
        middleware = promplug.asgi.Middleware(self.echo, plugin)
        sent = []

        async def leave_early():
            left = asyncio.Event()

            async def send(message):
                sent.append(message)
                if len(sent) == 3:
                    left.set()

            async def receive():
                await left.wait()
                return {"type": "http.disconnect"}

            await middleware({"type": "http", "method": "GET", "path": "/metrics", "query_string": b"",
                              "headers": []}, receive, send)

        asyncio.run(leave_early())
        self.assertLess(len(sent), 8)
        self.assertTrue(sent[-1]["more_body"], "it was not ended")
        self.assertEqual(self.ask(middleware, "/metrics")[0]["status"], 200)

    def test_the_path_follows_a_reload_and_learning_it_asks_no_collector(self):
        path = self.directory() / "promplug.yml"
        path.write_text("scrape: {path: /one}\n", encoding="utf-8")
        plugin = self.load(config_path=str(path))
        asked = []
        promplug.register_collector("c", lambda: asked.append(1) or (), plugin)
        middleware = promplug.asgi.Middleware(self.echo, plugin)

        def statuses():
            return [self.ask(middleware, where)[0]["status"] for where in ("/metrics", "/two", "/one", "/three")]

        self.assertFalse(plugin.metrics_path.is_own(plugin, "/other"))
        self.assertTrue(plugin.metrics_path.is_own(plugin, "/one"))
        self.assertEqual(asked, [])
        self.assertEqual(statuses(), [204, 204, 200, 204])
        path.write_text("scrape: {path: /two}\n", encoding="utf-8")
        plugin.reload()
        self.assertEqual(statuses(), [204, 200, 204, 204])
        path.write_text("", encoding="utf-8")
        plugin.reload()
        self.assertEqual(statuses(), [200, 204, 204, 204])

    def test_a_websocket_is_passed_on_uncounted(self):
        plugin = self.load()
        seen = []

        async def application(scope, receive, send):
            seen.append(scope["type"])

        self.ask(promplug.asgi.Middleware(application, plugin), kind="websocket")
        self.assertEqual(seen, ["websocket"])
        self.assertNotIn("http_requests_total{", exposition(plugin))

    def test_a_cancelled_scrape_is_ended(self):
        plugin = self.load({"scrape.timeout_seconds": "30"})
        let_go, entered = threading.Event(), threading.Event()
        self.addCleanup(let_go.set)

        def hanging():
            entered.set()
            let_go.wait(WAIT_SECONDS)
            return ()

        promplug.register_collector("hanging", hanging, plugin, timeout=30)
        middleware = promplug.asgi.Middleware(self.echo, plugin)

        async def cancel():
            task = asyncio.ensure_future(middleware(
                {"type": "http", "method": "GET", "path": "/metrics", "query_string": b"", "headers": []},
                None, None))
            await asyncio.get_running_loop().run_in_executor(None, entered.wait, WAIT_SECONDS)
            task.cancel()
            with self.assertRaises(asyncio.CancelledError):
                await task

        asyncio.run(cancel())
        let_go.set()
        plugin.stop()
        plugin.start()
        self.assertEqual(self.ask(middleware, "/metrics")[0]["status"], 200)


if __name__ == "__main__":
    unittest.main()
