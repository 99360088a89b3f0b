# SPDX-License-Identifier: MIT
"""Requests and scrapes side by side, and what each of them has seen."""
import http.client
import threading
import urllib.parse

from exposition import value
from stack import web
from stack.process import wait_until

CLIENTS = 4
# One that a killed worker had, and that nobody resets, ends so.
ANSWER_SECONDS = 5


class Load:
    """CLIENTS threads that ask for host.good_path, each request on a connection of its own.

    sent: requests that went out; answered: those of them that were answered with 200; wrong: other
    answers. The rest are lost. What was refused before it was sent is in none of them.
    """

    def __init__(self, host):
        self._host = host
        self._lock = threading.Lock()
        self.sent = self.answered = 0
        self.wrong = []
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._run, args=(n,), daemon=True)
                         for n in range(CLIENTS)]

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        for thread in self._threads:
            thread.join()

    @property
    def lost(self):
        return self.sent - self.answered - len(self.wrong)

    def wait_answered(self, more, seconds=60):
        wanted = self.answered + more
        wait_until(lambda: self.answered >= wanted, seconds,
                   lambda: f"{wanted} answers, not {self.answered}; wrong: {self.wrong[:5]}")

    def _run(self, turn):
        while not self._stop.wait(0.003):
            urls = self._host.urls
            turn += 1
            parts = urllib.parse.urlsplit(urls[turn % len(urls)])
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


class Watch:
    """A thread that scrapes all the time while there is load. seen: for each scrape, how many answers
    there were before it, what it says, and how many requests had been sent when it had come."""

    def __init__(self, host, load):
        self._host, self._load = host, load
        self.seen, self.wrong = [], []
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        self._thread.join()

    def _run(self):
        turn = 0
        target = f"/metrics?name[]={self._host.requests_family}"
        while not self._stop.wait(0.02):
            urls, answered = self._host.urls, self._load.answered
            turn += 1
            try:
                answer = web.get(urls[turn % len(urls)] + target)
            except (OSError, http.client.HTTPException):
                continue
            if answer.status != 200:
                self.wrong.append(answer.status)
                continue
            said = value(answer.text, self._host.requests_family, **self._host.good_labels) or 0
            self.seen.append((answered, said, self._load.sent))
