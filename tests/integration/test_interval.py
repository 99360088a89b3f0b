# SPDX-License-Identifier: MIT
"""The periodic push at the real 15 seconds, through the built plugin."""
import unittest

from case import INTERVAL_SECONDS, StackCase, push_config
from fakes import FakeGateway


class IntervalTest(StackCase):
    def test_the_state_is_pushed_every_15_seconds_soon_after_start_first(self):
        gateway = self.fake(FakeGateway())
        host = self.host(push_config(gateway.url, interval_seconds=15))
        other = self.fake(FakeGateway())
        second = self.host(push_config(other.url, interval_seconds=1, instance="other"))
        second.wait_log(r"Pushgateway enabled: .* interval=15s ")

        first = gateway.wait_requests(1, 8)[0]
        for _ in range(11):
            host.request(host.failing_path)
        periodic = gateway.wait_requests(4, 3 * INTERVAL_SECONDS + 10)[1:]

        with self.subTest("the first periodic push comes at the instance's phase"):
            self.assertLessEqual(periodic[0].at - first.at, INTERVAL_SECONDS + 1)
        with self.subTest("then one each interval"):
            gaps = [b.at - a.at for a, b in zip(periodic, periodic[1:])]
            for gap in gaps:
                self.assertAlmostEqual(gap, INTERVAL_SECONDS, delta=2, msg=str(gaps))
        with self.subTest("each is the whole state"):
            self.assertTrue(all(r.method == "PUT" for r in periodic))
            self.assertTrue(all(host.requests_family.encode() in r.body for r in periodic))
        with self.subTest("the floor of 15 seconds holds for an interval below it"):
            times = [r.at for r in other.requests]
            gaps = [b - a for a, b in zip(times[1:], times[2:])]
            self.assertTrue(gaps and min(gaps) > INTERVAL_SECONDS - 2, gaps)


if __name__ == "__main__":
    unittest.main()
