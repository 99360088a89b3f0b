# SPDX-License-Identifier: MIT
"""What the tests of the Python package share."""
import contextlib
import gzip
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import textwrap
import unittest

import promplug
from prometheus_client.parser import text_string_to_metric_families
from stack.process import Process, clean_environment

ROOT = pathlib.Path(__file__).resolve().parents[2]
PLUGIN = os.environ["PROMPLUG_PLUGIN"]
QUIET = {"self_metrics": "false", "process_metrics": "false"}
WAIT_SECONDS = 30  # for what comes in moments, on a machine that does much else

SCRIPT_HEAD = """
import logging, os, signal, sys, threading
logging.basicConfig(level=logging.INFO, stream=sys.stderr)
import promplug
"""


def read_samples(text):
    """By (name, sorted labels): the value, as python3-prometheus-client reads it. Bounds and
    quantiles are numbers, which every library writes in its own way."""
    def key(given):
        labels = {k: float(v) if k in ("le", "quantile") else v for k, v in given.labels.items()}
        return given.name, tuple(sorted(labels.items()))

    return {key(s): s.value for family in text_string_to_metric_families(text)
            for s in family.samples}


def sample(text, name, **labels):
    """The value of that sample, or None."""
    return read_samples(text).get((name, tuple(sorted(labels.items()))))


def exposition(plugin):
    return promplug.generate_latest(plugin).decode()


class PluginCase(unittest.TestCase):
    """Plugins and directories that end with the test."""

    def load(self, overrides=None, **options):
        """A plugin without the environment; not the default one unless asked for."""
        plugin = promplug.load(PLUGIN, overrides={**QUIET, **(overrides or {})},
                               **{"environment": False, "default": False, **options})
        self.addCleanup(plugin.close)
        return plugin

    def directory(self):
        path = pathlib.Path(tempfile.mkdtemp(prefix="promplug-python-"))
        self.addCleanup(shutil.rmtree, path, ignore_errors=True)
        return path

    def script(self, text, seconds=60, **environment):
        """Runs it, after the imports, in a Python of its own: (exit code, stdout, stderr)."""
        done = subprocess.run([sys.executable, "-B", "-c", SCRIPT_HEAD + textwrap.dedent(text)],
                              env=package_environment(**environment), capture_output=True,
                              text=True, timeout=seconds, cwd=self.directory())
        return done.returncode, done.stdout, done.stderr

    def server(self, name, command, **environment):
        """A server process whose log is shown where the test fails."""
        process = Process(name, command, self.directory(), package_environment(**environment))
        self.addCleanup(self._end, process)
        return process

    def _end(self, process):
        with contextlib.suppress(Exception):
            process.stop(seconds=10)
        if self._outcome.result is not None and any(
                case is self for case, _ in self._outcome.result.failures
                + self._outcome.result.errors):
            print(f"---- {process.name}\n{process.log()[-6000:]}", file=sys.stderr)


def package_environment(**more):
    return clean_environment({"PYTHONPATH": os.environ.get("PYTHONPATH", ""), "PYTHONDONTWRITEBYTECODE": "1",
                              "PROMPLUG_PLUGIN": PLUGIN, **more})


def unzipped(answer):
    return (gzip.decompress(answer.body) if answer.headers.get("Content-Encoding") == "gzip"
            else answer.body).decode()
