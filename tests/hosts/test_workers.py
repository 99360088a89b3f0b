# SPDX-License-Identifier: MIT
"""A host with several workers that are one instance: killed under load, reloaded under load, stopped
and started again, with totals that are exact."""
import os
import pathlib
import shutil
import signal
import tempfile
import unittest

from case import INTERVAL_SECONDS, push_config
from exposition import read_samples, value
from fakes import FakeGateway
from host_case import FIRST_PUSH_SECONDS, WAIT_SECONDS, GatewayCase, HostCase
from load import CLIENTS, Load, Watch

WORKERS = 4
BATCH = 120  # answers before and after each blow
NEXT_PUSH_SECONDS = INTERVAL_SECONDS + 25


class WorkersCase(HostCase):
    """With WORKERS workers."""

    def config(self, gateway_url=None, **changes):
        """The configuration of a set with a directory of its own on a tmpfs."""
        directory = pathlib.Path(tempfile.mkdtemp(prefix="promplug-hosts-", dir="/dev/shm"))
        self.addCleanup(shutil.rmtree, directory, ignore_errors=True)
        config = push_config(gateway_url, **changes) if gateway_url else {"forward": []}
        return {**config, "multiprocess": {"dir": str(directory)}}

    def with_instance(self, config, instance):
        return {**config, "pushgateway": {**config["pushgateway"], "instance": instance}}

    def set_of_workers(self, config, **kwargs):
        host = self.host(config, workers=WORKERS, **kwargs)
        self.wait_workers(host, WORKERS)
        return host

    def wait_workers(self, host, number, besides=()):
        self.eventually(lambda: len(set(host.worker_pids()) - set(besides)) >= number, WAIT_SECONDS,
                        lambda: f"{number} workers besides {besides}: {host.worker_pids()}")

    def kill_worker(self, host):
        """kill -9 of one; returns when it has its successor, if there is one."""
        before = host.worker_pids()
        os.kill(before[0], signal.SIGKILL)
        self.eventually(lambda: before[0] not in host.worker_pids(), WAIT_SECONDS, "it has ended")
        self.wait_workers(host, len(before) - (0 if host.replaces_workers else 1))

    def wait_counted(self, host, least):
        self.eventually(lambda: self.counted(host) >= least, WAIT_SECONDS,
                        lambda: f"{least} requests, not {self.counted(host)}")
        return self.counted(host)

    def assert_never_wrong(self, watch, slack):
        """No scrape said less than one before it, more than was sent, or less than was answered."""
        self.assertGreater(len(watch.seen), 5)
        said_before = 0
        for answered, said, sent in watch.seen:
            self.assertGreaterEqual(said, said_before)
            self.assertLessEqual(said, sent)
            self.assertGreaterEqual(said, answered - slack)
            said_before = said

    def in_flight(self, host, kills=0):
        """How many answers may not be counted yet, or, where workers were killed, never will be."""
        return 0 if host.counts_before_answer else CLIENTS * (1 + kills)


class MergeTest(WorkersCase):
    def test_each_worker_says_what_all_have_counted(self):
        host = self.set_of_workers(self.config())
        with Load(host) as load:
            load.wait_answered(200)
        self.assertEqual((load.lost, load.wrong), (0, []))
        self.eventually(lambda: self.counted(host) == load.answered, WAIT_SECONDS,
                        lambda: f"{load.answered} requests, not {self.counted(host)}")
        scrapes = [host.metrics().text for _ in range(20)]
        self.assertEqual({value(text, host.requests_family, **host.good_labels) for text in scrapes},
                         {load.answered})
        self.assertEqual({value(text, host.duration_family + "_count", **self.of_duration(host))
                          for text in scrapes}, {load.answered})
        self.eventually(lambda: self.of_each_worker(host) == WORKERS, WAIT_SECONDS,
                        lambda: f"{WORKERS} workers in {host.metrics().text}")

    def of_duration(self, host):
        return {name: text for name, text in host.good_labels.items() if name != "status"}

    def of_each_worker(self, host):
        samples = read_samples(host.metrics().text)
        return len({dict(labels)["worker"] for name, labels in samples
                    if name == "process_start_time_seconds"})


class KillTest(WorkersCase, GatewayCase):
    def test_workers_that_are_killed_under_load_leave_exact_totals(self):
        host = self.set_of_workers(self.config(self.gateway.url, instance="killed"))
        kills = 3 if host.replaces_workers else WORKERS - 2
        slack = self.in_flight(host, kills)
        with Load(host) as load, Watch(host, load) as watch:
            for _ in range(kills):
                load.wait_answered(BATCH)
                self.kill_worker(host)
            load.wait_answered(BATCH)
        # Only what the killed workers had in their hands was lost.
        self.assertLessEqual(load.lost, CLIENTS * kills)
        self.assertEqual((load.wrong, watch.wrong), ([], []))
        self.assert_never_wrong(watch, slack)
        counted = self.wait_counted(host, load.answered - slack)
        self.assertLessEqual(counted, load.sent)
        self.assertEqual(host.stop(), 0, host.log())
        # Where requests are counted after their answers, the last may have been since the scrape.
        pushed = self.pushed(host, "photo-api", "killed")
        last = counted if host.counts_before_answer else load.sent
        self.assertTrue(counted <= pushed <= last, (counted, pushed, last))

    def test_the_push_goes_on_when_workers_are_killed(self):
        gateway = self.fake(FakeGateway())
        host = self.set_of_workers(self.config(gateway.url, instance="led"))
        gateway.wait_requests(1, FIRST_PUSH_SECONDS)
        self.ask(host, 40)
        self.wait_counted(host, 40)
        # One of them is the one that pushes.
        for _ in range(WORKERS if host.replaces_workers else WORKERS - 1):
            self.kill_worker(host)
        seen = len(gateway.requests)
        request = gateway.wait_requests(seen + 1, NEXT_PUSH_SECONDS)[-1]
        self.assertEqual(value(request.body.decode(), host.requests_family, **host.good_labels), 40)
        self.assertEqual({r.method for r in gateway.requests}, {"PUT"})


class ReloadTest(WorkersCase, GatewayCase):
    def test_a_reload_under_load_loses_no_count(self):
        config = self.config(self.gateway.url, instance="before")
        host = self.set_of_workers(config)
        self.wait_group(host, "photo-api", "before")
        old = host.worker_pids()
        with Load(host) as load, Watch(host, load) as watch:
            load.wait_answered(BATCH)
            host.reload(self.with_instance(config, "after"))
            if host.reload_reads_configuration:
                self.wait_group(host, "photo-api", "after")
            if host.reload_replaces_workers:
                self.wait_workers(host, WORKERS, besides=old)
                self.eventually(lambda: not set(old) & set(host.worker_pids()), WAIT_SECONDS,
                                lambda: f"{old} have given way: {host.worker_pids()}")
            load.wait_answered(BATCH)
        self.assertEqual((load.wrong, watch.wrong), ([], []))
        self.assertLessEqual(load.lost, 0 if host.reload_loses_nothing else CLIENTS * WORKERS)
        self.assert_never_wrong(watch, self.in_flight(host))
        self.assertLessEqual(self.wait_counted(host, load.answered), load.sent)


class StopTest(WorkersCase, GatewayCase):
    def test_a_stop_pushes_the_totals_and_the_next_start_goes_on_from_them(self):
        host = self.set_of_workers(self.config(self.gateway.url, instance="stopped"))
        self.ask(host, 50)
        self.assertEqual(host.stop(), 0, host.log())
        self.assertEqual(self.pushed(host, "photo-api", "stopped"), 50, host.log())
        host.start()
        self.ask(host, 10)
        self.assertEqual(self.wait_counted(host, 60), 60)


class WithoutDirectoryTest(WorkersCase):
    def test_a_directory_that_is_not_there_is_named_and_each_worker_serves_by_itself(self):
        config = self.config()
        missing = config["multiprocess"]["dir"] + "/missing"
        config["multiprocess"]["dir"] = missing
        host = self.set_of_workers(config)
        host.wait_log(missing)
        self.assert_serves(host)
        self.assertEqual(host.metrics().status, 200)


if __name__ == "__main__":
    unittest.main()
