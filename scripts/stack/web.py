# SPDX-License-Identifier: MIT
"""HTTP requests to loopback, never through a proxy, never following a redirect."""
import http.client
import json
import time
import urllib.parse


class Answer:
    def __init__(self, status, headers, body):
        self.status = status
        self.headers = headers  # http.client.HTTPMessage: get() in any case
        self.body = body

    @property
    def text(self):
        return self.body.decode("utf-8")

    def json(self):
        return json.loads(self.body)


def request(method, url, body=None, headers=None, timeout=5):
    """The whole answer, as it came (not unzipped). Raises OSError or http.client.HTTPException."""
    parts = urllib.parse.urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=timeout)
    try:
        target = parts.path or "/"
        if parts.query:
            target += "?" + parts.query
        connection.request(method, target, body=body, headers=headers or {})
        answer = connection.getresponse()
        return Answer(answer.status, answer.headers, answer.read())
    finally:
        connection.close()


def get(url, **kwargs):
    return request("GET", url, **kwargs)


def status(url):
    """The status of a GET of url; 0 where there is no answer."""
    try:
        return get(url, timeout=2).status
    except (OSError, http.client.HTTPException):
        return 0


def timed(function, *args, **kwargs):
    """(what the function returned, how many seconds it took)."""
    start = time.monotonic()
    result = function(*args, **kwargs)
    return result, time.monotonic() - start
