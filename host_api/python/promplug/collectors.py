# SPDX-License-Identifier: MIT
"""What is asked at each scrape: collectors and value functions in Python.

They run on a thread of the plugin, with the GIL, never twice at once, and have a deadline. What
raises, hangs or says something that is not valid costs its own part of the scrape only; the log and
the promplug_collector_* metrics tell of it.
"""
import logging
from ctypes import byref, c_uint64
from typing import Any, Callable, Dict, Iterable, Optional, Union

from . import _abi, _binding, _callbacks, _fork
from ._families import GivenUp, write_families
from ._process_modes import process_mode
from .errors import Error, check

logger = logging.getLogger("promplug")
GaugeMode = Callable[[str], str]  # of the name of a gauge, its multiprocess_mode


class Registration:
    """Something that the plugin calls. It lasts until unregister(), also over reloads and forks,
    and moves to the next plugin where its own is closed."""

    def __init__(self, name: str):
        self.name = name
        self._instance = None
        self._number = 0
        self._failing = ""

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.name})"

    def attach(self, plugin: Optional[Any]) -> None:
        """Registers it with `plugin`, or the default one, now or when that is loaded."""
        _binding.attach(self, plugin)

    def unregister(self, timeout: float = 5) -> None:
        """It is not called from now on; waits for a running call, without the GIL.

        Raises TimedOut where that goes on; a second call waits again. Hold no lock that the
        function takes.
        """
        _binding.detach(self)
        instance = self._instance
        if instance is None:
            return
        error = _abi.Error()
        result = instance.api.unregister(instance.pointer, self._registered, int(timeout * 1000),
                                         byref(error))
        if result != _abi.E_NOT_FOUND:
            check(result, error, f"unregister {self.name}")
        self._instance = None

    def bind(self, plugin: Any) -> None:
        instance = plugin.instance()
        with _fork.lock:
            if self._instance is not None:
                return
            self._instance = instance
        number, registered, error = _callbacks.keep(self), c_uint64(), _abi.Error()
        try:
            check(self._register(instance, number, byref(registered), byref(error)), error)
        except Error:
            _callbacks.drop(number)
            self._instance = None
            raise
        self._registered = registered.value

    def unbind(self) -> None:
        with _fork.lock:
            self._instance = None

    def after_restart(self) -> None:
        """The registration is still there."""

    def call(self, *arguments: Any) -> int:
        """Called by the plugin; what raises is told once, until it raises something else."""
        try:
            self._call(*arguments)
        except GivenUp as given_up:  # the plugin tells of it
            return given_up.code
        except BaseException as error:  # the plugin is no place for KeyboardInterrupt either
            said = f"{type(error).__name__}: {error}"
            if said != self._failing:
                self._failing = said
                logger.error("%r failed", self, exc_info=True)
            return _abi.E_CANCELLED
        self._failing = ""
        return _abi.OK

    def _register(self, instance, number, out, error) -> int:
        raise NotImplementedError

    def _call(self, *arguments: Any) -> None:
        raise NotImplementedError


class Collector(Registration):
    """A function, or an object with collect(), that returns or yields families: metrics of
    prometheus_client, or tuples (name, type, help, [(labels, value), ...])."""

    def __init__(self, name: str, source: Any, timeout: float = 0, min_interval: float = 0,
                 one_process: bool = False,
                 multiprocess_mode: Optional[Union[str, GaugeMode]] = None):
        super().__init__(name)
        self._collect: Callable[[], Iterable] = getattr(source, "collect", source)
        # Of one process the series must not change their labels when another one takes over.
        chosen = multiprocess_mode or ("mostrecent" if one_process else "all")
        if callable(chosen):
            self._gauge_mode = lambda family: process_mode(chosen(family))
        else:
            mode = process_mode(chosen)
            self._gauge_mode = lambda _: mode
        self._timeout, self._min_interval = timeout, min_interval
        self._flags = _abi.COLLECT_ONE_PROCESS if one_process else 0

    def _register(self, instance, number, out, error) -> int:
        record = _abi.Collector(flags=self._flags, name=_abi.text(self.name), collect=_COLLECT,
                                release=_RELEASE, user=number,
                                timeout_ms=int(self._timeout * 1000),
                                min_interval_ms=int(self._min_interval * 1000))
        return instance.api.register_collector(instance.pointer, byref(record), out, error)

    def _call(self, writer) -> None:
        write_families(writer, self._collect() or (), self._gauge_mode)


class ValueFunction(Registration):
    """One series whose value a function returns."""

    def __init__(self, kind: int, name: str, documentation: str, labels: Dict[str, str],
                 function: Callable[[], float], process_mode: int):
        super().__init__(name)
        self._kind, self._documentation = kind, documentation
        self._process_mode = process_mode
        self._labels, self._function = labels, function

    def _register(self, instance, number, out, error) -> int:
        record = _abi.Value(type=self._kind, name=_abi.text(self.name),
                            help=_abi.text(self._documentation),
                            labels=_abi.pairs(self._labels.items()), n_labels=len(self._labels),
                            source=_abi.SRC_FN, process_mode=self._process_mode, fn=_VALUE,
                            user=number, release=_RELEASE)
        return instance.api.register_value(instance.pointer, byref(record), out, error)

    def _call(self, out) -> None:
        out[0] = float(self._function())


def register_collector(name: str, source: Any, plugin: Optional[Any] = None, *, timeout: float = 0,
                       min_interval: float = 0, one_process: bool = False,
                       multiprocess_mode: Optional[Union[str, GaugeMode]] = None) -> Collector:
    """Has `source` asked at each scrape and push; it may be called before load().

    name          label value in promplug_collector_*; distinct.
    source        a function, or an object with collect(); see Collector.
    timeout       seconds; 0: collectors.timeout_seconds of the configuration.
    min_interval  seconds for which the last output is used again.
    one_process   of many workers that are one instance, only the leader runs it.
    multiprocess_mode  of its gauges, as Gauge has it, or a function that is given the name of one;
                  by default "all", and "mostrecent" of a collector for one process.

    Raises Error where the plugin refuses it, such as a name that is taken, and ValueError for a
    mode that is not known.
    """
    collector = Collector(name, source, timeout, min_interval, one_process, multiprocess_mode)
    collector.attach(plugin)
    return collector


def collector(name: str, plugin: Optional[Any] = None, **options: Any) -> Callable:
    """register_collector() as a decorator of a function."""
    def register(function: Callable) -> Callable:
        register_collector(name, function, plugin, **options)
        return function
    return register


def _run(user, *arguments) -> int:
    registration = _callbacks.find(user)
    return _abi.E_CANCELLED if registration is None else registration.call(*arguments)


_COLLECT = _abi.CollectFn(_run)
_VALUE = _abi.ValueFn(_run)
_RELEASE = _abi.ReleaseFn(_callbacks.drop)
