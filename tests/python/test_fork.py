# SPDX-License-Identifier: MIT
"""Fork children begin anew, their parents go on, and nobody waits for what is not there."""
import textwrap
import unittest

from support import PluginCase

# Each script is a process of its own. A child reports through its exit status, and by the lines
# that it prints; show() gives a sample of this process' own exposition.
HEAD = """
import multiprocessing, time, traceback, warnings
from prometheus_client.parser import text_string_to_metric_families
warnings.simplefilter("ignore")
def show(name):
    for family in text_string_to_metric_families(promplug.generate_latest().decode()):
        for sample in family.samples:
            if sample.name == name: return sample.value
def fork(body):
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            body()
            status = 0
        except BaseException:
            traceback.print_exc()
        finally:
            sys.stdout.flush(); sys.stderr.flush()
            os._exit(status)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
entered, let_go = threading.Event(), threading.Event()
def hang():
    entered.set()
    let_go.wait(60)
    return ()
def threads():
    return sorted(open(f"/proc/self/task/{t}/comm").read().strip() for t in os.listdir("/proc/self/task"))
"""


class ForkTest(PluginCase):
    def run_script(self, text, **environment):
        code, said, log = self.script(HEAD.strip() + "\n" + textwrap.dedent(text), **environment)
        self.assertEqual(code, 0, said + log)
        return said, log

    def test_a_child_restarts_from_zero_and_the_parent_goes_on(self):
        self.run_script("""
            counter, gauge = promplug.Counter("c", "x", ["k"]), promplug.Gauge("g", "x")
            histogram, info = promplug.Histogram("h", "x"), promplug.Info("i", "x")
            enum = promplug.Enum("e", "x", states=["p", "q"])
            held = counter.labels("v")
            with promplug.load() as plugin:
                held.inc(5); gauge.set(3); histogram.observe(1); info.info({"v": "1"}); enum.state("q")
                def child():
                    assert plugin.status().state == "running", plugin.status()
                    deadline = time.monotonic() + 30  # a thread names itself
                    while "pp-collect" not in threads():
                        assert time.monotonic() < deadline, threads()
                    assert (show("c_total"), show("g"), show("h_count")) == (0, 0, 0)
                    assert (show("i_info"), show("e")) == (1, 0)
                    held.inc(); counter.labels("v").inc(); counter.labels("new").inc(7); histogram.observe(2)
                    enum.state("p")
                    assert (show("c_total"), show("h_sum"), show("e")) == (2, 2, 1)
                for _ in range(3):
                    assert fork(child) == 0
                held.inc()
                assert (show("c_total"), show("g"), show("h_count")) == (6, 3, 1)
                assert plugin.status().state == "running"
        """)

    def test_a_child_of_a_child_restarts_too(self):
        self.run_script("""
            counter = promplug.Counter("c", "x")
            with promplug.load() as plugin:
                counter.inc()
                def grandchild():
                    counter.inc(3)
                    assert show("c_total") == 3
                def child():
                    counter.inc(2)
                    assert fork(grandchild) == 0
                    assert show("c_total") == 2
                assert fork(child) == 0
                assert show("c_total") == 1
        """)

    def test_a_child_is_inert_where_the_host_wants_it(self):
        self.run_script("""
            counter = promplug.Counter("c", "x", ["k"])
            with promplug.load(on_fork="inert") as plugin:
                def child():
                    counter.labels("v").inc(); counter.labels("new").inc()
                    assert plugin.status().state == "forked", plugin.status()
                    assert not [name for name in threads() if name.startswith("pp-")]
                    try:
                        show("c_total")
                    except promplug.StateError:
                        return
                    raise AssertionError("it answered")
                assert fork(child) == 0
        """)

    def test_a_plugin_that_was_not_started_is_started_by_the_child(self):
        self.run_script("""
            counter = promplug.Counter("c", "x")
            plugin = promplug.load(start=False)
            counter.inc()
            def child():
                assert plugin.status().state != "running"
                plugin.start()
                counter.inc()
                assert show("c_total") == 1
                plugin.close()
            assert fork(child) == 0
            plugin.start()
            assert show("c_total") == 1
        """)

    def test_collectors_values_and_unloaded_instruments_work_in_the_child(self):
        self.run_script("""
            early = promplug.Counter("early", "x")
            promplug.register_collector("c", lambda: [("m", "gauge", "x", [({}, os.getpid())])])
            promplug.Gauge("f", "x").set_function(os.getpid)
            early.inc(4)
            def unloaded():
                early.inc()
                with promplug.load():
                    assert show("early_total") == 5
            assert fork(unloaded) == 0
            with promplug.load():
                def child():
                    assert show("m") == show("f") == os.getpid()
                assert fork(child) == 0
                assert show("m") == show("f") == os.getpid()
        """)

    def test_multiprocessing_by_fork_works(self):
        self.run_script("""
            counter = promplug.Counter("c", "x")
            def work(number):
                counter.inc(number)
                return show("c_total") >= number
            with promplug.load() as plugin:
                context = multiprocessing.get_context("fork")
                with context.Pool(2) as pool:
                    assert all(pool.map(work, range(1, 20)))
                assert show("c_total") == 0
        """)

    def test_forks_under_load_hurt_nobody(self):
        self.run_script("""
            counter, histogram = promplug.Counter("c", "x", ["k"]), promplug.Histogram("h", "x")
            summary = promplug.Summary("s", "x")
            promplug.register_collector("c", lambda: [("m", "gauge", "x", [({}, 1)])])
            ended = threading.Event()
            counted = [0] * 3
            def count(slot):
                while not ended.is_set():
                    counter.labels(str(counted[slot] % 50)).inc(); histogram.observe(1); summary.observe(1)
                    counted[slot] += 1
            def scrape():
                while not ended.is_set(): show("m")
            sys.setswitchinterval(1e-4)
            with promplug.load() as plugin:
                running = [threading.Thread(target=count, args=(i,)) for i in range(3)]
                running.append(threading.Thread(target=scrape))
                for thread in running: thread.start()
                def child():
                    counter.labels("in a child").inc(); summary.observe(1); histogram.observe(1)
                    assert show("h_count") == 1 and show("m") == 1
                    plugin.stop()
                try:
                    for _ in range(30): assert fork(child) == 0
                finally:
                    ended.set()
                    for thread in running: thread.join()
                total = sum(p.value for f in promplug.gather() if f.name == "c_total" for p in f.points)
                assert total == sum(counted) == show("h_count") == show("s_count"), (total, counted)
        """)

    def test_a_thread_that_holds_the_lock_of_the_package_and_waits_for_the_fork_stops_neither(self):
        self.run_script("""
            from promplug import _fork
            counter = promplug.Counter("c", "x", ["k"])
            with promplug.load() as plugin:
                held, go_on = threading.Event(), threading.Event()
                def hold():
                    with _fork.lock:
                        held.set()
                        go_on.wait(60)
                        counter.labels("from the thread").inc()
                thread = threading.Thread(target=hold)
                thread.start()
                held.wait(60)
                assert fork(lambda: counter.labels("from the child").inc()) == 0
                go_on.set()
                thread.join()
                assert show("c_total") == 1, promplug.generate_latest()
        """)

    def test_a_subprocess_costs_the_plugin_nothing(self):
        self.run_script("""
            import subprocess
            counter = promplug.Counter("c", "x")
            def look():  # before the other program
                os.write(1, f"{plugin.status().state} {[n for n in threads() if n.startswith('pp-')]}\\n".encode())
                counter.inc()
            with promplug.load() as plugin:
                counter.inc()
                assert subprocess.run([sys.executable, "-c", ""]).returncode == 0
                for _ in range(2):
                    done = subprocess.run(["echo", "and"], preexec_fn=look, stdout=subprocess.PIPE, text=True)
                    assert done.stdout == "forked []\\nand\\n", done.stdout
                assert show("c_total") == 1
                assert fork(lambda: plugin.status().state == "running" or 1 // 0) == 0
        """)

    def test_a_subprocess_that_is_started_while_a_collector_hangs_says_nothing(self):
        _, log = self.run_script("""
            import subprocess
            promplug.register_collector("hang", hang, timeout=0.01)
            with promplug.load() as plugin:
                show("c_total")
                assert entered.is_set()
                assert subprocess.run(["true"], preexec_fn=lambda: None).returncode == 0
                let_go.set()
        """)
        self.assertNotIn("no metrics in this fork child", log)

    def test_a_child_that_uvloop_forks_has_no_metrics(self):
        # uvloop forks in C: the frame that it is called from is the innermost.
        self.run_script("""
            counter = promplug.Counter("c", "x")
            with promplug.load() as plugin:
                counter.inc()
                forked = {"__name__": "asyncio.subprocess", "os": os}
                exec("pid = os.fork()", forked)
                if forked["pid"] == 0:
                    os._exit(plugin.status().state != "forked")
                assert os.waitstatus_to_exitcode(os.waitpid(forked["pid"], 0)[1]) == 0
                assert show("c_total") == 1
        """)

    def test_a_child_of_forkpty_begins_anew(self):
        self.run_script("""
            import pty
            counter = promplug.Counter("c", "x")
            with promplug.load() as plugin:
                counter.inc(3)
                pid, terminal = pty.fork()
                if pid == 0:
                    counter.inc()
                    os._exit(0 if (plugin.status().state, show("c_total")) == ("running", 1) else 1)
                assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
                assert show("c_total") == 3
        """)

    def test_a_fork_while_a_collector_hangs_gives_a_child_without_metrics_that_lives(self):
        _, log = self.run_script("""
            promplug.register_collector("hang", hang, timeout=0.01)
            counter = promplug.Counter("c", "x", ["k"])
            with promplug.load() as plugin:
                show("c_total")
                assert entered.is_set()
                def child():
                    counter.labels("v").inc()
                    assert plugin.status().state == "forked", plugin.status()
                    assert fork(lambda: counter.labels("v").inc()) == 0
                assert fork(child) == 0
                counter.labels("v").inc(2)
                let_go.set()
                assert show("c_total") == 2
        """)
        self.assertEqual(log.count("no metrics in this fork child"), 1, log)

    def test_an_end_of_a_child_is_not_the_end_of_the_parent(self):
        said, _ = self.run_script("""
            plugin = promplug.load()
            pid = os.fork()
            if pid == 0:
                sys.exit(0)
            assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
            print(plugin.status().state)
        """)
        self.assertEqual(said, "running\n")


if __name__ == "__main__":
    unittest.main()
