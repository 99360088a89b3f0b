# SPDX-License-Identifier: MIT
"""The plugin as an object: its life, its status, what can be asked of it."""
import os
import threading
from ctypes import byref, c_void_p, create_string_buffer
from typing import Any, Callable, List, Mapping, NamedTuple, Optional

from . import _abi, _binding, _callbacks, _fork
from ._instance import Instance
from ._library import load_library
from ._log import LOG, logger as package_logger
from ._path import MetricsPath
from .errors import Error, StateError, check, make_error

_STATES = {_abi.STATE_CREATED: "created", _abi.STATE_RUNNING: "running",
           _abi.STATE_STOPPING: "stopping", _abi.STATE_STOPPED: "stopped",
           _abi.STATE_FORKED: "forked"}
_FORK_WAIT_SECONDS = 2


class Status(NamedTuple):
    """promplug_status; times are Unix seconds, 0 for never."""
    state: str  # created, running, stopping, stopped, forked; closed after close()
    listening: bool = False
    pushing: bool = False
    forwarding: bool = False
    push_failing: bool = False
    forward_failing: bool = False
    collector_stuck: bool = False
    listen_port: int = 0
    scrapes: int = 0
    scrapes_refused: int = 0
    pushes_ok: int = 0
    pushes_failed: int = 0
    forwards_ok: int = 0
    forwards_failed: int = 0
    forwards_skipped: int = 0
    collector_failures: int = 0
    collector_timeouts: int = 0
    series: int = 0
    series_refused: int = 0
    updates_ignored: int = 0
    last_scrape: float = 0
    last_push: float = 0
    last_push_ok: float = 0


class Plugin:
    """One instance of the plugin, made by load(). Thread-safe. As a context manager it closes
    itself.

    In a child of os.fork() it begins anew by itself (`on_fork`), with values from zero.
    """

    def __init__(self, api, instance: Instance, log_number: int, options: Mapping[str, Any]):
        self._api = api
        self._instance: Optional[Instance] = instance
        self._log_number = log_number
        self._logger = options["logger"]
        self._stop_timeout = options["stop_timeout"]
        self._child_mode = (_abi.CHILD_RESTART if options["on_fork"] == "restart"
                            else _abi.CHILD_INERT)
        # Start, stop, reload, fork and close come one at a time, as the ABI wants it.
        self._control = threading.RLock()
        self._inert = False
        self.bound = _binding.Bound()
        self.metrics_path = MetricsPath()

    def __repr__(self) -> str:
        return f"<promplug.Plugin {self._api.path} {self.status().state}>"

    @property
    def version(self) -> str:
        return self._api.version

    @property
    def api(self):
        """The functions of promplug.h, for what this package has no words for."""
        return self._api

    def instance(self) -> Instance:
        """The instance, whose `pointer` the functions of `api` take. Raises StateError once
        closed."""
        instance = self._instance
        if instance is None:
            raise StateError("the plugin is closed")
        return instance

    # ---- life ---------------------------------------------------------------------------------

    def start(self) -> None:
        """Starts threads, listener and push; nothing if they run. After stop() it starts again.

        Raises InputOutputError where something of it failed (a busy port, no libcurl); the rest
        runs, and that part is tried again in the background.
        """
        with self._control:
            self._call(self._api.start)

    def stop(self, timeout: Optional[float] = None) -> None:
        """The last push or DELETE, as configured, then the end of every thread.

        Waits `timeout` seconds at most (those given to load() by default), without the GIL. Raises
        TimedOut when they are over; it goes on ending, and stop() can be called again.
        """
        seconds = self._stop_timeout if timeout is None else timeout
        with self._control:
            self._call(self._api.stop, _milliseconds(seconds))

    def reload(self) -> None:
        """Reads the configuration again. On an error (ConfigError) the old one stays."""
        with self._control:
            try:
                self._call(self._api.reload, None)
            finally:
                self.metrics_path.forget()

    def close(self, timeout: Optional[float] = None) -> None:
        """Stops and ends it. Its instruments count on by themselves, for the next plugin.

        Raises as stop(); it is closed all the same. A second call does nothing.
        """
        with self._control:
            if self._instance is None:
                return
            try:
                self.stop(timeout)
            finally:
                _fork.unwatch(self)
                _binding.leave(self)
                self._instance = None
                _callbacks.drop(self._log_number)

    def __enter__(self) -> "Plugin":
        return self

    def __exit__(self, *_) -> None:
        self.close()

    # ---- questions ----------------------------------------------------------------------------

    def status(self) -> Status:
        """What it does and has done. Never waits."""
        instance = self._instance
        if instance is None:
            return Status("closed")
        out = _abi.Status()
        check(self._api.status(instance.pointer, byref(out)), _abi.Error(), "status")
        flags = [bool(out.flags & flag) for flag in
                 (_abi.S_LISTENING, _abi.S_PUSHING, _abi.S_FORWARDING, _abi.S_PUSH_FAILING,
                  _abi.S_FORWARD_FAILING, _abi.S_COLLECTOR_STUCK)]
        times = [milliseconds / 1000 for milliseconds in
                 (out.last_scrape_unix_ms, out.last_push_unix_ms, out.last_push_ok_unix_ms)]
        counts = [getattr(out, name) for name in Status._fields[8:-3]]
        return Status(_STATES.get(out.state, "unknown"), *flags, out.listen_port, *counts, *times)

    def last_error(self) -> str:
        """The last failure in the background; empty where there was none."""
        buffer = create_string_buffer(4096)
        self._api.last_error(self.instance().pointer, buffer, len(buffer))
        return buffer.value.decode("utf-8", "replace")

    def push_now(self, application: bool = True, forwards: bool = False,
                 timeout: float = 10) -> None:
        """Pushes and waits for it, without the GIL.

        Raises StateError (push is off), InputOutputError (refused or not reached), TimedOut.
        """
        targets = ((_abi.PUSH_APPLICATION if application else 0)
                   | (_abi.PUSH_FORWARDS if forwards else 0))
        self._call(self._api.push_now, targets, _milliseconds(timeout))

    # ---- fork and exit, called by _fork -------------------------------------------------------

    def _fork_prepare(self) -> bool:
        # One that cannot be had is held by a call that takes long, such as a stop.
        if self._inert or not self._control.acquire(timeout=_FORK_WAIT_SECONDS):
            return False
        instance = self._instance
        result = _abi.E_STATE if instance is None else self._api.fork_prepare(instance.pointer)
        if result != _abi.OK:
            self._control.release()
        return result == _abi.OK

    def _fork_parent(self) -> None:
        result = self._api.fork_parent(self._instance.pointer)
        self._control.release()
        if result != _abi.OK:
            self._logger.error("%s", make_error(result, what="after a fork"))

    def _fork_child(self, prepared: bool, lives: bool) -> None:
        if not prepared:
            self._control = threading.RLock()  # a thread that is not here may have held it
            if not self._inert:
                self._inert = True
                if lives:
                    self._logger.warning("no metrics in this fork child: the plugin was busy at "
                                         "the fork")
            return
        error = _abi.Error()
        mode = self._child_mode if lives else _abi.CHILD_INERT
        result = self._api.fork_child(self._instance.pointer, mode, byref(error))
        self._control.release()
        self._inert = mode == _abi.CHILD_INERT
        if not self._inert:
            self.bound.after_restart()
        if result != _abi.OK:
            self._logger.error("after a fork: %s", error.text.decode("utf-8", "replace"))

    def _at_exit(self) -> None:
        if self._inert:
            return
        try:
            self.stop()
        except Error as error:
            self._logger.warning("the plugin did not stop in good order: %s", error)

    def _call(self, function: Callable, *arguments) -> None:
        error = _abi.Error()
        check(function(self.instance().pointer, *arguments, byref(error)), error)


def load(plugin_path: Optional[str] = None, config_path: Optional[str] = None, *,
         overrides: Optional[Mapping[str, str]] = None, environment: bool = True,
         listener: bool = True, start: bool = True, default: bool = True, on_fork: str = "restart",
         stop_timeout: float = 5, name: str = "python", logger=None) -> Plugin:
    """Loads promplug.so, reads its configuration, binds the instruments made so far, and starts.

    plugin_path   else PROMPLUG_PLUGIN of the environment, else promplug.so beside this package,
                  else an installed one.
    config_path   the YAML file; else PROMPLUG_CONFIG of the environment, else none.
    overrides     keys of docs/config.md and their texts; they win over file and environment.
    environment   False: do not read the environment.
    listener      False: never listen, whatever the configuration says.
    start         False: the caller calls start(), for instance in a worker.
    default       whether it becomes the plugin of all instruments, collectors and middlewares that
                  name none. There is one at a time.
    on_fork       "restart": a child of os.fork() begins anew, values from zero. "inert": it has no
                  metrics, threads or sockets; updates go nowhere.
    stop_timeout  seconds that stop(), close() and the stop at exit wait, the last push included.
    logger        a logging.Logger, by default "promplug".

    Raises LoadError or ConfigError, and then nothing has changed. What start() could not do
    (a busy port) is logged and tried again in the background.
    """
    if on_fork not in ("restart", "inert"):
        raise ValueError(f"on_fork is restart or inert, not {on_fork!r}")
    api = load_library(plugin_path)
    number = _callbacks.keep(logger or package_logger)
    options = {"logger": logger or package_logger, "stop_timeout": stop_timeout, "on_fork": on_fork}
    try:
        instance = _create(api, number, name, _options(config_path, overrides, environment, listener))
        plugin = Plugin(api, instance, number, options)
        _binding.enter(plugin, default)
    except Error:
        _callbacks.drop(number)
        raise
    _fork.watch(plugin)
    if start:
        try:
            plugin.start()
        except Error as error:
            plugin._logger.warning("the plugin started with a problem: %s", error)
    return plugin


def default_plugin() -> Optional[Plugin]:
    """The plugin that load() made the default, or None."""
    return _binding.default()


def _options(config_path, overrides, environment, listener) -> _abi.Options:
    options = _abi.Options(config_path=_abi.text(os.fspath(config_path or "")))
    options.flags = ((0 if environment else _abi.F_NO_ENV)
                     | (0 if listener else _abi.F_NO_LISTENER))
    given: List = [(key, str(value)) for key, value in (overrides or {}).items()]
    options.overrides, options.n_overrides = _abi.pairs(given), len(given)
    return options


def _create(api, log_number: int, name: str, options: _abi.Options) -> Instance:
    host = _abi.Host(user=log_number, name=_abi.text(name), log=LOG)
    pointer, error = c_void_p(), _abi.Error()
    check(api.create(byref(host), byref(options), byref(pointer), byref(error)), error)
    return Instance(api, pointer)


def _milliseconds(seconds: float) -> int:
    return max(0, min(int(seconds * 1000), 2**32 - 1))
