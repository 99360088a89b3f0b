# SPDX-License-Identifier: MIT
"""Requests and scrapes side by side, and what each of them has seen."""
import http.client
import itertools
import threading
import urllib.parse

from case import Background
from exposition import value
from stack import web
from stack.process import wait_until

CLIENTS = 4
# One that a killed worker had, and that nobody resets, ends so.
ANSWER_SECONDS = 5


class Load(Background):
    """CLIENTS threads that ask for host.good_path, each request on a connection of its own.

    sent: requests that went out; answered: those of them that were answered with 200; wrong: other
    answers. The rest are lost. What was refused before it was sent is in none of them.
    """

    def __init__(self, host):
        super().__init__(CLIENTS)
        self._host = host
        self._lock = threading.Lock()
        self._turns = itertools.count()
        self.sent = self.answered = 0
        self.wrong = []

    @property
    def lost(self):
        return self.sent - self.answered - len(self.wrong)

    def wait_answered(self, more, seconds=60):
        wanted = self.answered + more
        wait_until(lambda: self.answered >= wanted, seconds,
                   lambda: f"{wanted} answers, not {self.answered}; wrong: {self.wrong[:5]}")

    def _run(self):
        while not self._stop.wait(0.003):
            urls = self._host.urls
            parts = urllib.parse.urlsplit(urls[next(self._turns) % len(urls)])
            connection = http.client.HTTPConnection(parts.hostname, parts.port,
                                                    timeout=ANSWER_SECONDS)
            try:
                connection.connect()
            except OSError:
                continue
            self._exchange(connection)
            connection.close()

    def _exchange(self, connection):
        with self._lock:
            self.sent += 1
        try:
            connection.request("GET", self._host.good_path)
            answer = connection.getresponse()
            answer.read()
        except (OSError, http.client.HTTPException):
            return
        with self._lock:
            if answer.status == 200:
                self.answered += 1
            else:
                self.wrong.append(answer.status)


class Watch(Background):
    """A thread that scrapes all the time while there is load. seen: for each scrape, how many answers
    there were before it, what it says, and how many requests had been sent when it had come."""

    def __init__(self, host, load):
        super().__init__(1)
        self._host, self._load = host, load
        self.seen, self.wrong = [], []

    def _run(self):
        target = f"/metrics?name[]={self._host.requests_family}"
        for turn in itertools.count():
            if self._stop.wait(0.02):
                return
            urls, answered = self._host.urls, self._load.answered
            try:
                answer = web.get(urls[turn % len(urls)] + target)
            except (OSError, http.client.HTTPException):
                continue
            if answer.status != 200:
                self.wrong.append(answer.status)
                continue
            said = value(answer.text, self._host.requests_family, **self._host.good_labels) or 0
            self.seen.append((answered, said, self._load.sent))
