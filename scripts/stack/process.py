# SPDX-License-Identifier: MIT
"""One child process: its log in a file, its end by pid, and waiting with a deadline."""
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import time


class StackError(Exception):
    """Something that was to run does not; the text is for a person."""


def wait_until(condition, seconds, what):
    """The first true answer of condition(), which is asked again and again until then.

    what (a text, or a function that makes it) says in the error what was waited for.
    """
    deadline = time.monotonic() + seconds
    pause = 0.01
    while True:
        answer = condition()
        if answer:
            return answer
        if time.monotonic() >= deadline:
            raise StackError(f"not within {seconds} s: {what() if callable(what) else what}")
        time.sleep(pause)
        pause = min(pause * 1.5, 0.2)


def wait_text(read, pattern, seconds):
    """The first match of pattern (of a line, with ^ and $) in what read() answers."""
    return wait_until(lambda: re.search(pattern, read(), re.MULTILINE), seconds,
                      lambda: f"{pattern!r} in:\n{read()}")


def free_port():
    """A port of 127.0.0.1 that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def clean_environment(extra=None):
    """This environment without what would change the plugin's configuration or the way to loopback."""
    unwanted = re.compile(r"(PROMETHEUS_.*|PROMPLUG_.*|INSTANCE_IP|.*_proxy)", re.IGNORECASE)
    kept = {k: v for k, v in os.environ.items() if not unwanted.fullmatch(k)}
    return {**kept, **(extra or {})}


class Process:
    """A running child. It dies with this process, even where that is killed."""

    def __init__(self, name, command, directory, environment=None):
        self.name = name
        self.log_path = pathlib.Path(directory, f"{name}.{time.monotonic_ns()}.log")
        tied = ["setpriv", "--pdeathsig", "KILL"] if shutil.which("setpriv") else []
        with open(self.log_path, "wb") as log:
            self._child = subprocess.Popen(
                tied + [str(part) for part in command], stdin=subprocess.DEVNULL, stdout=log,
                stderr=log, cwd=directory, env=clean_environment(environment),
                start_new_session=True)

    @property
    def pid(self):
        return self._child.pid

    def log(self):
        return self.log_path.read_text(encoding="utf-8", errors="replace")

    def running(self):
        return self._child.poll() is None

    def exit_code(self):
        return self._child.poll()

    def wait_log(self, pattern, seconds=10):
        """The first match of pattern (of a line, with ^ and $) in the log."""
        compiled = re.compile(pattern, re.MULTILINE)

        def match():
            found = compiled.search(self.log())
            if not found and not self.running():
                found = compiled.search(self.log())
                if not found:
                    raise StackError(f"{self.name} ended with {self.exit_code()}:\n{self.log()}")
            return found

        return wait_until(match, seconds, lambda: f"{pattern!r} in the log of {self.name}:\n{self.log()}")

    def send(self, number):
        self._child.send_signal(number)

    def stop(self, number=signal.SIGTERM, seconds=15):
        """Ends the child, by SIGKILL where `number` does not; returns its exit code."""
        if self.running():
            self._child.send_signal(signal.SIGCONT)
            self._child.send_signal(number)
        try:
            return self._child.wait(seconds)
        except subprocess.TimeoutExpired:
            self._child.kill()
            self._child.wait()
            raise StackError(f"{self.name} did not end within {seconds} s and was killed") from None

    def kill(self):
        self._child.kill()
        self._child.wait()


def start_on_free_port(name, make_command, ready, directory, port=0, seconds=15, environment=None):
    """Starts make_command(port) and waits until ready(port); returns (process, port).

    port 0: a free one; where another process was quicker, with another one again.
    """
    last = ""
    for _ in range(5):
        chosen = port or free_port()
        process = Process(name, make_command(chosen), directory, environment)
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline and process.running():
            if ready(chosen):
                # Not somebody else's server on that port: ours would have ended by itself.
                if process.running():
                    return process, chosen
                break
            time.sleep(0.03)
        last = process.log()
        process.kill()
        if "address already in use" not in last.lower():
            break
    raise StackError(f"{name} does not start:\n{last}")
