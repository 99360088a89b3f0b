# SPDX-License-Identifier: MIT
"""The distribution's nginx with a configuration of its own in a directory of its own."""
import contextlib
import os
import pathlib
import signal
import subprocess

from stack import web
from stack.process import StackError, clean_environment, free_port, wait_text, wait_until
from stack.servers import find_program

TEMPORARY = "\n".join(
    f"  {kind}_temp_path temp_{kind};"
    for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))


def module_path():
    """The built module, by PROMPLUG_NGINX_MODULE."""
    path = os.environ.get("PROMPLUG_NGINX_MODULE", "")
    if not os.access(path, os.R_OK):
        raise StackError(f"PROMPLUG_NGINX_MODULE names no file: {path!r}")
    return path


class Nginx:
    """A master with its workers, as a daemon: only so does it take a new binary by SIGUSR2.

    http(ports): the text of http {}, for n_ports free ports of 127.0.0.1. main: further lines above
    it. modules: paths for load_module; None: the module under test.
    """

    def __init__(self, directory, http, n_ports=1, main="", workers=1, modules=None, user="root",
                 environment=None):
        self.directory = pathlib.Path(directory)
        self.make_http, self.n_ports = http, n_ports
        self.main, self.workers, self.user = main, workers, user
        self.modules = [module_path()] if modules is None else modules
        self.environment = environment or {}
        self.error_log = self.directory / "error.log"
        self.pid_file = self.directory / "nginx.pid"
        self.program = find_program("nginx", "nginx")
        self.ports = []
        self._session = 0

    def write(self, http=None):
        """Writes nginx.conf for the ports that are chosen."""
        self.make_http = http or self.make_http
        loads = "\n".join(f"load_module {path};" for path in self.modules)
        user = f"user {self.user};" if os.geteuid() == 0 else ""
        (self.directory / "nginx.conf").write_text(f"""
{loads}
{user}
worker_processes {self.workers};
pid {self.pid_file};
{self.main}
events {{ worker_connections 512; }}
http {{
  access_log off;
{TEMPORARY}
{self.make_http(self.ports)}
}}
""", encoding="utf-8")

    def command(self, *arguments):
        return [self.program, "-p", str(self.directory), "-c", "nginx.conf", *arguments]

    def run(self, *arguments):
        """nginx with these arguments, until it ends."""
        return subprocess.run(self.command(*arguments), capture_output=True, text=True, timeout=60,
                              env=clean_environment(self.environment), check=False)

    def test(self, http=None):
        """nginx -t: (exit status, what it says)."""
        self.ports = self.ports or [free_port() for _ in range(self.n_ports)]
        self.write(http)
        done = self.run("-t", "-e", str(self.error_log))
        return done.returncode, done.stderr

    def start(self):
        for _ in range(5):
            self.ports = [free_port() for _ in range(self.n_ports)]
            self.write()
            done = self.run("-e", str(self.error_log), "-g", f"error_log {self.error_log} notice;")
            if done.returncode == 0:
                break
            if "Address already in use" not in done.stderr:
                raise StackError(f"nginx does not start:\n{done.stderr}")
        else:
            raise StackError("nginx finds no free port")
        self._session = os.getsid(self.master())
        wait_until(lambda: len(self.worker_pids()) >= self.workers, 15, "the workers are there")
        return self

    def master(self):
        """The pid in the file, which nginx makes empty and then writes."""
        return int(wait_text(lambda: self.pid_file.read_text(encoding="ascii"), r"\A\d+\n", 10)[0])

    def worker_pids(self, master=None):
        """The workers of a master that do not shut down."""
        return [pid for pid, title in children(master or self.master())
                if "worker process" in title and "shutting down" not in title]

    def processes(self):
        """All of it that live: masters, workers, and those that shut down."""
        return [pid for pid in all_pids() if session_of(pid) == self._session]

    def send(self, number, pid=None):
        os.kill(pid or self.master(), number)

    def reload(self, http=None):
        """SIGHUP; returns when the new workers have taken over and the old ones have ended."""
        self.write(http)
        old = set(self.worker_pids())
        self.send(signal.SIGHUP)
        wait_until(lambda: len(set(self.worker_pids()) - old) >= self.workers and
                   not old & set(self.processes()), 30,
                   lambda: f"the workers {old} have given way; log:\n{self.log()}")

    def stop(self, number=signal.SIGQUIT, seconds=20):
        """Ends it by its pids; an error where it does not end in time."""
        if not self._session:
            return
        told = set()

        def ended():
            # A new binary is the child of the old master until that ends.
            living = {pid: parent_of(pid) for pid in self.processes()}
            masters = {pid for pid, parent in living.items() if parent not in living} - told
            send_all(masters, number)
            told.update(masters)
            return not living

        try:
            wait_until(ended, seconds, "nginx has ended")
        finally:
            send_all(self.processes(), signal.SIGKILL)
            self._session = 0

    @property
    def url(self):
        return f"http://127.0.0.1:{self.ports[0]}"

    def request(self, path, method="GET", **kwargs):
        return web.request(method, self.url + path, **kwargs)

    def log(self):
        return self.error_log.read_text(encoding="utf-8", errors="replace")

    def wait_log(self, pattern, seconds=10):
        return wait_text(self.log, pattern, seconds)


def send_all(pids, number):
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)


def stat_fields(pid):
    """The fields of /proc/PID/stat behind the name, or None where the process is gone."""
    try:
        text = pathlib.Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    fields = text.rpartition(")")[2].split()
    return None if fields[0] in "ZX" else fields


def all_pids():
    return [int(entry) for entry in os.listdir("/proc") if entry.isdigit()]


def parent_of(pid):
    fields = stat_fields(pid)
    return int(fields[1]) if fields else 0


def session_of(pid):
    fields = stat_fields(pid)
    return int(fields[3]) if fields else 0


def children(parent):
    """(pid, title) of each child that lives."""
    found = []
    for pid in all_pids():
        if parent_of(pid) == parent:
            try:
                title = pathlib.Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace")
            except OSError:
                continue
            found.append((pid, title))
    return found


def cpu_seconds(pid):
    """User and system time of a process."""
    fields = stat_fields(pid)
    if fields is None:
        raise StackError(f"the process {pid} is gone")
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
