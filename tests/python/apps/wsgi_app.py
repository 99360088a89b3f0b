# SPDX-License-Identifier: MIT
"""What test_wsgi.py has gunicorn run: a Flask application, and a bare one."""
import json
import logging
import os
import sys

import promplug
import promplug.wsgi
from flask import Flask

logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(process)d %(levelname)s %(message)s")
flask_app = Flask(__name__)


@flask_app.route("/items/<int:id>")
def item(id):
    return {"id": id, "pid": os.getpid()}


@flask_app.route("/boom")
def boom():
    raise RuntimeError("as it should")


@flask_app.route("/stream")
def stream():
    return (str(n) for n in range(10)), 202


if os.environ.get("APP_WORK"):
    import work
    flask_app.route("/work/<n>")(work.do)
    flask_app.route("/push")(work.push)


class Unread:
    """A file that nobody may read: its descriptor is enough to send it."""

    def __init__(self):
        self.file = open(__file__, "rb")
        self.fileno, self.close = self.file.fileno, self.file.close

    def read(self, size=-1):
        raise AssertionError("it is read")


def bare_app(environ, start_response):
    if environ["PATH_INFO"] == "/raises":
        raise RuntimeError("as it should")
    if environ["PATH_INFO"] == "/file":
        environ["promplug.route"] = "/file"
        start_response("200 OK", [("Content-Length", str(os.path.getsize(__file__)))])
        return environ["wsgi.file_wrapper"](Unread())
    environ["promplug.route"] = "/bare/{anything}"
    start_response("299 Odd", [("Content-Length", "2")])
    return [b"ok"]


try:
    promplug.load(overrides=json.loads(os.environ.get("APP_OVERRIDES", "{}")),
                  start="APP_POST_FORK" not in os.environ)
except promplug.Error as error:
    logging.error("serving without metrics: %s", error)
promplug.register_collector("pid", lambda: [("worker_pid", "gauge", "x", [({}, os.getpid())])])
app = promplug.wsgi.Middleware(flask_app)
bare = promplug.wsgi.Middleware(bare_app, metrics_path="/m", prefix="bare")
