# SPDX-License-Identifier: MIT
"""Series that expire cost nothing any more, though labels() had pinned them."""
import unittest
import weakref
from unittest import mock

import promplug
from promplug import _metric
from stack.process import wait_until
from support import WAIT_SECONDS, PluginCase, exposition, sample

DEAD = 20


class ExpiryTest(PluginCase):
    def setUp(self):
        patch = mock.patch.object(_metric, "_TIDY_FROM", 8)
        patch.start()
        self.addCleanup(patch.stop)
        self.path = self.directory() / "promplug.yml"
        self.expire_after(1)
        self.plugin = self.load(config_path=str(self.path))
        self.counter = promplug.Counter("a", "x", ["k"], plugin=self.plugin)

    def expire_after(self, seconds):
        self.path.write_text(f"limits: {{series_expiry_seconds: {seconds}}}\n", encoding="utf-8")

    def shown(self, value, name="a_total"):
        return sample(exposition(self.plugin), name, k=value)

    def expire(self):
        """Has series come and go, and no more after that."""
        for number in range(DEAD):
            self.counter.labels(f"dead {number}").inc()
        wait_until(lambda: self.plugin.status().series == 0, WAIT_SECONDS, "all have expired")
        self.expire_after(0)
        self.plugin.reload()

    def tidy(self, metric):
        """As when it has so many children that it looks for what may go."""
        metric._tidy_at = 0
        metric.labels("new")

    def test_children_of_expired_series_are_let_go_and_the_others_count_on(self):
        held, gone = self.counter.labels("held"), weakref.ref(self.counter.labels("gone"))
        self.expire()
        self.counter.labels("lives").inc(5)
        for number in range(2 * DEAD):
            self.counter.labels(f"new {number}").inc()
        self.assertIsNone(gone())
        self.assertNotIn(("lives",), self.counter._children)
        self.assertNotIn(("dead 0",), self.counter._children)
        held.inc()
        self.counter.labels("held").inc()
        self.counter.labels("lives").inc()
        self.assertEqual([self.shown(k) for k in ("held", "lives", "new 0", "gone")], [2, 6, 1, None])

    def test_a_series_whose_child_was_let_go_can_be_removed_and_one_that_expired_is_not_there(self):
        held = self.counter.labels("held")
        self.expire()
        held.inc()
        for value in ("lives", "lives too"):
            self.counter.labels(value).inc()
        self.tidy(self.counter)
        self.assertEqual([self.shown(k) for k in ("held", "lives", "lives too")], [1, 1, 1])
        self.counter.remove("lives")
        self.counter.remove("held")
        held.inc()
        self.assertEqual([self.shown(k) for k in ("held", "lives", "lives too")], [None, None, 1])
        with self.assertRaises(KeyError):
            self.counter.remove("dead 1")
        self.counter.clear()
        self.assertIsNone(self.shown("lives too"))

    def test_a_child_that_was_let_go_and_is_held_counts_for_the_next_plugin(self):
        held = self.counter.labels("held")
        self.expire()
        self.tidy(self.counter)
        self.assertNotIn(("held",), self.counter._children)
        # What belongs to a plugin counts for itself when that is closed.
        self.plugin.close()
        held.inc(2)
        self.assertEqual(held._pending.amount, 2)
        self.counter.labels("held").inc(3)
        self.plugin = self.load()
        self.counter.bind(self.plugin)
        self.addCleanup(self.counter.unbind)
        self.assertEqual(self.shown("held"), 5)

    def test_children_that_know_more_than_their_series_stay(self):
        enum = promplug.Enum("e", "x", ["k"], states=["p", "q"], plugin=self.plugin)
        gauge = promplug.Gauge("g", "x", ["k"], plugin=self.plugin)
        enum.labels("v").state("q")
        gauge.labels("asked").set_function(lambda: 7)
        for number in range(DEAD):
            gauge.labels(f"dead {number}").set(1)
        self.expire()
        for metric in (enum, gauge):
            self.tidy(metric)
        enum.labels("v").state("p")
        text = exposition(self.plugin)
        self.assertEqual((sample(text, "e", k="v", e="p"), sample(text, "e", k="v", e="q")), (1, 0))
        self.assertLess(len(gauge._children), DEAD)
        gauge.remove("asked")
        self.assertIsNone(self.shown("asked", "g"))


if __name__ == "__main__":
    unittest.main()
