# SPDX-License-Identifier: MIT
"""Families as Python says them, given to the plugin's writer."""
import math
from ctypes import byref, c_uint64
from typing import Any, Callable, Dict, Iterable, List, Tuple

from . import _abi
from .errors import Error

_KINDS = {"counter": _abi.COUNTER, "gauge": _abi.GAUGE, "histogram": _abi.HISTOGRAM,
          "summary": _abi.SUMMARY, "unknown": _abi.UNTYPED, "untyped": _abi.UNTYPED,
          "info": _abi.INFO, "stateset": _abi.STATESET, "gaugehistogram": _abi.GAUGE_HISTOGRAM}
# What the value of a family without parts is called, after its name.
_VALUE_SUFFIX = {"counter": "_total", "info": "_info"}
_PART_LABEL = {"histogram": "le", "gaugehistogram": "le", "summary": "quantile"}


class GivenUp(Exception):
    """The plugin takes no more of this run: it is too late, or too large."""

    def __init__(self, code: int):
        super().__init__(code)
        self.code = code


def write_families(writer: Any, families: Iterable, gauge_mode: Callable[[str], int]) -> None:
    """Writes each; one that is a tuple is (name, type, help, [(labels, value), ...]). gauge_mode
    tells the PROMPLUG_MODE_* of a gauge by its name.

    A family or series that the plugin refuses as not valid is left out, which the plugin counts.
    Raises GivenUp, Error for a type that is not known, and what the iterable raises.
    """
    for family in families:
        if isinstance(family, tuple):
            name, kind, documentation, samples = family
            mode = gauge_mode(name) if kind == "gauge" else _abi.MODE_DEFAULT
            if _open(writer, name, kind, documentation, "", mode):
                _write_samples(writer, samples)
            continue
        name = family.name + _VALUE_SUFFIX.get(family.type, "")
        mode = gauge_mode(name) if family.type == "gauge" else _abi.MODE_DEFAULT
        if not _open(writer, name, family.type, family.documentation, family.unit, mode):
            continue
        if family.type in _PART_LABEL:
            for labels, parts in _grouped(family).items():
                _check(writer.contents.point(writer, byref(parts.point(labels))))
        else:
            _write_values(writer, family, name)


def _check(code: int) -> bool:
    if code < 0 and code != _abi.E_INVAL:
        raise GivenUp(code)
    return code == _abi.OK


def _open(writer, name: str, kind: str, documentation: str, unit: str, mode: int) -> bool:
    if kind not in _KINDS:
        raise Error(f"family {name} is of no known type: {kind!r}")
    head = _abi.FamilyHead(type=_KINDS[kind], name=_abi.text(name), help=_abi.text(documentation),
                           unit=_abi.text(unit), process_mode=mode)
    return _check(writer.contents.family(writer, byref(head)))


def _write_samples(writer, samples: Iterable[Tuple[Dict[str, str], float]]) -> None:
    sample = writer.contents.sample
    for labels, value in samples:
        given = _abi.pairs((name, str(text)) for name, text in labels.items())
        _check(sample(writer, given, len(labels), value))


def _write_values(writer, family, name: str) -> None:
    """Families of which each sample is a series."""
    created = {_labels_of(s): s.value for s in family.samples if s.name == family.name + "_created"}
    for sample in family.samples:
        # prometheus_client lets a collector name the samples of a counter without _total.
        if sample.name not in (name, family.name):
            continue
        labels = _labels_of(sample)
        point = _point(labels, sample.timestamp, created.get(labels, 0))
        point.value = sample.value
        if sample.exemplar is not None:
            point.exemplars, point.n_exemplars = _exemplars([sample.exemplar]), 1
        _check(writer.contents.point(writer, byref(point)))


def _labels_of(sample, without: str = "") -> Tuple[Tuple[str, str], ...]:
    return tuple((name, text) for name, text in sample.labels.items() if name != without)


def _point(labels: Tuple[Tuple[str, str], ...], timestamp: Any, created: float) -> _abi.Point:
    point = _abi.Point(labels=_abi.pairs(labels), n_labels=len(labels),
                       created_unix_ms=int(created * 1000))
    if timestamp is not None:
        point.flags |= _abi.POINT_TIMESTAMP
        point.unix_ms = int(float(timestamp) * 1000)
    return point


def _exemplars(exemplars: List[Any]):
    records = [_abi.Exemplar(labels=_abi.pairs(e.labels.items()), n_labels=len(e.labels),
                             value=e.value, unix_ms=int(float(e.timestamp or 0) * 1000))
               for e in exemplars]
    return (_abi.Exemplar * len(records))(*records) if records else None


class _Parts:
    """The samples of one series of a histogram, gauge histogram or summary."""

    def __init__(self):
        self.parts: List[Tuple[float, float]] = []  # of bucket or quantile, its value
        self.count = self.sum = self.timestamp = None
        self.created = 0.0
        self.exemplars: List[Any] = []

    def add(self, sample, family) -> None:
        part = sample.labels.get(_PART_LABEL[family.type])
        self.timestamp = sample.timestamp if self.timestamp is None else self.timestamp
        if part is not None:
            self.parts.append((float(part), sample.value))
            if sample.exemplar is not None:
                self.exemplars.append(sample.exemplar)
        elif sample.name.endswith("count"):
            self.count = sample.value
        elif sample.name.endswith("sum"):
            self.sum = sample.value
        elif sample.name.endswith("_created"):
            self.created = sample.value
        self.is_summary = family.type == "summary"

    def point(self, labels) -> _abi.Point:
        point = _point(labels, self.timestamp, self.created)
        self.parts.sort()
        if self.count is None and self.parts and self.parts[-1][0] == math.inf:
            self.count = self.parts[-1][1]
        point.count = int(self.count or 0)
        if self.sum is None:
            point.flags |= _abi.POINT_NO_SUM
        else:
            point.sum = self.sum
        finite = [(bound, value) for bound, value in self.parts if bound != math.inf]
        bounds = _abi.doubles(bound for bound, _ in finite)
        if self.is_summary:
            point.quantiles, point.n_quantiles = bounds, len(finite)
            point.quantile_values = _abi.doubles(value for _, value in finite)
        else:
            point.bounds, point.n_bounds = bounds, len(finite)
            point.cumulative_counts = (c_uint64 * len(finite))(*(int(v) for _, v in finite))
            point.exemplars = _exemplars(self.exemplars)
            point.n_exemplars = len(self.exemplars)
        return point


def _grouped(family) -> Dict[Tuple, _Parts]:
    found: Dict[Tuple, _Parts] = {}
    for sample in family.samples:
        labels = _labels_of(sample, _PART_LABEL[family.type])
        found.setdefault(labels, _Parts()).add(sample, family)
    return found
