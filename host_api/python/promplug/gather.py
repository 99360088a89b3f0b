# SPDX-License-Identifier: MIT
"""Everything that the plugin would expose, as Python objects."""
from ctypes import byref
from typing import Any, Dict, List, NamedTuple, Optional, Tuple

from . import _abi, _binding, _callbacks
from .errors import StateError, check

_TYPES = {_abi.COUNTER: "counter", _abi.GAUGE: "gauge", _abi.HISTOGRAM: "histogram",
          _abi.SUMMARY: "summary", _abi.UNTYPED: "unknown", _abi.INFO: "info",
          _abi.STATESET: "stateset", _abi.GAUGE_HISTOGRAM: "gaugehistogram"}


class GatheredPoint(NamedTuple):
    """One series. `parts`: (bound, cumulative count) of a histogram, (quantile, value) of a
    summary. `exemplars`: (labels, value). `created`: Unix seconds, 0 where it is not known."""
    labels: Dict[str, str]
    value: float
    count: int
    sum: float
    parts: List[Tuple[float, float]]
    exemplars: List[Tuple[Dict[str, str], float]]
    created: float


class GatheredFamily(NamedTuple):
    """A family under the name that it is exposed by."""
    name: str
    type: str
    documentation: str
    unit: str
    points: List[GatheredPoint]


def gather(plugin: Optional[Any] = None, timeout: float = 10) -> List[GatheredFamily]:
    """Every family, collectors included, in the order of names.

    Waits for the collectors, without the GIL. Raises StateError where no plugin runs.
    """
    chosen = plugin or _binding.default()
    if chosen is None:
        raise StateError("no plugin is loaded")
    families: List[GatheredFamily] = []
    number = _callbacks.keep(families)
    visitor, error = _abi.Visitor(user=number, family=_FAMILY, point=_POINT), _abi.Error()
    instance = chosen.instance()
    try:
        check(instance.api.gather(instance.pointer, byref(visitor), int(timeout * 1000),
                                  byref(error)), error, "gather")
    finally:
        _callbacks.drop(number)
    return families


def get_sample_value(name: str, labels: Optional[Dict[str, str]] = None,
                     plugin: Optional[Any] = None) -> Optional[float]:
    """The value of that sample (NAME_count and NAME_sum too), or None where there is none.

    As CollectorRegistry.get_sample_value; for tests.
    """
    wanted = labels or {}
    for family in gather(plugin):
        for point in family.points:
            if point.labels == wanted:
                found = {family.name: point.value, family.name + "_count": point.count,
                         family.name + "_sum": point.sum}
                if name in found:
                    return found[name]
    return None


def _labels(pairs, count: int) -> Dict[str, str]:
    return {_abi.read(pairs[i].key): _abi.read(pairs[i].value) for i in range(count)}


def _visit_family(user, head) -> int:
    head = head.contents
    _callbacks.find(user).append(GatheredFamily(
        _abi.read(head.name), _TYPES.get(head.type, "unknown"), _abi.read(head.help),
        _abi.read(head.unit), []))
    return 0


def _visit_point(user, point) -> int:
    point = point.contents
    parts = [(point.bounds[i], point.cumulative_counts[i]) for i in range(point.n_bounds)]
    parts += [(point.quantiles[i], point.quantile_values[i]) for i in range(point.n_quantiles)]
    exemplars = [(_labels(e.labels, e.n_labels), e.value)
                 for e in (point.exemplars[i] for i in range(point.n_exemplars))]
    _callbacks.find(user)[-1].points.append(GatheredPoint(
        _labels(point.labels, point.n_labels), point.value, point.count, point.sum, parts,
        exemplars, point.created_unix_ms / 1000))
    return 0


_FAMILY = _abi.VisitFamilyFn(_visit_family)
_POINT = _abi.VisitPointFn(_visit_point)
