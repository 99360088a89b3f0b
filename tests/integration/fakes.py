# SPDX-License-Identifier: MIT
"""Small servers that behave as no real one can be made to: refusing, hanging, cutting."""
import gzip
import http.server
import threading
import time


class Request:
    def __init__(self, handler, body):
        self.at = time.monotonic()
        self.method = handler.command
        self.path = handler.path
        self.headers = handler.headers
        self.body = gzip.decompress(body) if handler.headers.get("Content-Encoding") == "gzip" else body


class FakeServer:
    """Answers as answer(handler, request) says, each request on its own thread; keeps them all."""

    def __init__(self, port=0):
        self.requests = []
        self._arrived = threading.Condition()
        self.released = threading.Event()
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle_any(self):
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                request = Request(self, body)
                with outer._arrived:
                    outer.requests.append(request)
                    outer._arrived.notify_all()
                outer.answer(self, request)

            do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = handle_any

            def log_message(self, *args):
                pass

        class Quiet(http.server.ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *args):  # the plugin may hang up
                pass

        self._server = Quiet(("127.0.0.1", port), Handler)
        self.port = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def answer(self, handler, request):
        raise NotImplementedError

    def wait_requests(self, number, seconds):
        """The first `number` requests, or an AssertionError when they do not come."""
        with self._arrived:
            if not self._arrived.wait_for(lambda: len(self.requests) >= number, seconds):
                raise AssertionError(f"{len(self.requests)} of {number} requests in {seconds} s")
            return self.requests[:number]

    def stop(self):
        self.released.set()
        self._server.shutdown()
        self._server.server_close()

    @staticmethod
    def send(handler, status, body=b"", headers=(), length=None):
        handler.send_response(status)
        for name, value in headers:
            handler.send_header(name, value)
        handler.send_header("Content-Length", str(len(body) if length is None else length))
        handler.end_headers()
        if handler.command != "HEAD":
            handler.wfile.write(body)


class FakeGateway(FakeServer):
    """A Pushgateway that answers everything with one status, or, hanging, not at all."""

    def __init__(self, status=200, body=b"", headers=(), hanging=False, port=0):
        self.status, self.body, self.headers, self.hanging = status, body, headers, hanging
        super().__init__(port)

    def answer(self, handler, request):
        if self.hanging:
            self.released.wait()
            handler.close_connection = True
            return
        self.send(handler, self.status, self.body, self.headers)


class FakeExporter(FakeServer):
    """Serves one body as a node_exporter would; `length` other than the body's is a cut answer."""

    def __init__(self, body, status=200, content_type="text/plain; version=0.0.4; charset=utf-8",
                 length=None):
        self.body, self.status, self.content_type, self.length = body, status, content_type, length
        super().__init__()

    def answer(self, handler, request):
        headers = [("Content-Type", self.content_type)]
        self.send(handler, self.status, self.body, headers, self.length)
        if self.length is not None:
            handler.close_connection = True
