# SPDX-License-Identifier: MIT
"""What the instruments have in common: names, labels, children, and being bound to a plugin."""
import re
import weakref
from ctypes import byref, c_uint64
from typing import Any, Dict, Iterable, List, Optional, Tuple, TypeVar

from . import _abi, _binding, _fork
from ._instance import NULL, handle_of

_NAME = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
_LABEL_NAME = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")
_TIDY_FROM = 1024  # children; below it nothing is to be gained
T = TypeVar("T", bound="Metric")


class Metric:
    """A family of series, or, made by labels(), one series of it. Thread-safe.

    Before a plugin is loaded it counts by itself; what was counted goes over when it is.
    """
    kind = 0
    type_name = ""
    reserved_labels: Tuple[str, ...] = ()
    suffix = ""

    def __init__(self, name: str, documentation: str, labelnames: Iterable[str] = (),
                 namespace: str = "", subsystem: str = "", unit: str = "",
                 plugin: Optional[Any] = None, process_mode: int = _abi.MODE_DEFAULT):
        self.name = self._full_name(name, namespace, subsystem, unit)
        self.documentation = documentation
        self.unit = unit
        self.labelnames = self._checked_labels(labelnames)
        self.process_mode = process_mode
        self._labelvalues: Tuple[str, ...] = ()
        self._children: Dict[Tuple[str, ...], Any] = {}
        # Children that _children has no more and somebody still holds. See _tidy().
        self._loose: Any = weakref.WeakSet()
        self._tidy_at, self._tidied = _TIDY_FROM, False
        self._family = None
        self._instance = None
        self._init_series()
        _binding.attach(self, plugin)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.name})"

    # ---- the habits of prometheus_client ------------------------------------------------------

    def labels(self: T, *labelvalues: Any, **labelkwargs: Any) -> T:
        """The series with these values, by position or by name; they are turned into texts.

        Keep it where updates are frequent. Over the family's limit of series it is one that counts
        for nothing. Raises ValueError for names or a number of values that do not fit.
        """
        if not labelkwargs:
            child = self._children.get(labelvalues)
            if child is not None:
                return child
        values = self._key(labelvalues, labelkwargs)
        return self._children.get(values) or self._make_child(values)

    def remove(self, *labelvalues: Any) -> None:
        """The series is exposed no more, and what still holds it counts for nothing. Raises
        KeyError where there is none."""
        values = self._key(labelvalues, {})
        with _fork.lock:
            child = self._children.pop(values, None)
            left = [loose for loose in self._loose if loose._labelvalues == values]
        if child is not None:
            left.append(child)
        for one in left:
            one._leave()
        gone = self._remove_matching(zip(self.labelnames, values))
        if not left and not gone:
            raise KeyError(values)

    def clear(self) -> None:
        """Removes every series that labels() made."""
        with _fork.lock:
            children = self._all_children()
            self._children = {}
        for child in children:
            child._leave()
        self._remove_matching(())

    # ---- bound to a plugin, see _binding ------------------------------------------------------

    def bind(self, plugin: Any) -> None:
        with _fork.lock:
            if self._instance is not None:
                return
            instance = plugin.instance()
        family = instance.family(self._description())
        with _fork.lock:
            self._family, self._instance = family, instance
            children = self._all_children()
        for child in children or ([] if self.labelnames else [self]):
            child._take_handle(instance, family)

    def unbind(self) -> None:
        with _fork.lock:
            self._family = self._instance = None
            for child in self._all_children() or ([] if self.labelnames else [self]):
                child._be_pending()
                child._handle = NULL

    def after_restart(self) -> None:
        """Values are from zero, as they are after a start."""

    # ---- for the kinds of instrument ----------------------------------------------------------

    def _be_pending(self) -> None:
        """Updates are counted here. Called under _fork.lock, or before anybody else knows it."""
        raise NotImplementedError

    def _use(self, api, handle) -> None:
        """Updates go to that series. Called under _fork.lock."""
        raise NotImplementedError

    def _be_parent(self) -> None:
        """Updates raise ValueError: values for the labels are missing."""
        raise NotImplementedError

    def _describe(self, desc: _abi.FamilyDesc) -> None:
        """Adds what this kind has besides."""

    # ---- inside -------------------------------------------------------------------------------

    def _init_series(self) -> None:
        self._handle = NULL
        self._pending = None
        if self.labelnames and not self._labelvalues:
            self._be_parent()
        else:
            self._be_pending()

    def _missing_labels(self, *_) -> None:
        raise ValueError(f"{self.type_name} metric is missing label values")

    def _make_child(self: T, values: Tuple[str, ...]) -> T:
        child = self._copy(values)
        child._family = child._instance = None  # those are the parent's to keep
        child._init_series()
        with _fork.lock:
            instance, family = self._instance, self._family
            if instance is None:
                return self._children.setdefault(values, child)
        child._take_handle(instance, family)
        # One over the limit is not kept: the limit is one of this process' memory too.
        if not handle_of(child._handle).pinned:
            return child
        if len(self._children) >= self._tidy_at:
            self._tidy(instance)
        with _fork.lock:
            return self._children.setdefault(values, child)

    def _copy(self: T, values: Tuple[str, ...]) -> T:
        child = type(self).__new__(type(self))
        # One by one: an object whose __dict__ was asked for has a slower and larger one.
        for name, value in vars(self).items():
            setattr(child, name, value)
        child._labelvalues, child._children = values, {}
        return child

    def _tidy(self, instance) -> None:
        """Lets the children go where there are more of them than series: a child pins its series
        also after that has expired, which then costs memory in both. Of a series that lives
        labels() makes another one. Those that somebody holds stay right: they are in _loose."""
        live = instance.live_series()
        with _fork.lock:
            self._tidy_at = max(_TIDY_FROM, 2 * live)
            if len(self._children) <= live:
                return
            going = {values: child for values, child in self._children.items() if child._may_go()}
            for values in going:
                del self._children[values]
            self._loose.update(going.values())
            self._tidied = True

    def _may_go(self) -> bool:
        """Whether all that this child knows is in its series."""
        return True

    def _all_children(self) -> List[Any]:
        """Called under _fork.lock."""
        return [*self._children.values(), *self._loose]

    def _remove_matching(self, labels: Iterable[Tuple[str, str]]) -> int:
        """Series without a child, which there are after _tidy() only; returns how many."""
        with _fork.lock:
            instance, family = self._instance, self._family
        if instance is None or not self._tidied:
            return 0
        given, removed = list(labels), c_uint64()
        instance.api.remove_matching(family, _abi.pairs(given), len(given), byref(removed))
        return removed.value

    def _take_handle(self, instance, family) -> None:
        if self._pending is None:
            return
        handle = byref(instance.series(family, self._labelvalues))
        with _fork.lock:
            pending = self._pending
            if pending is None:
                return

            def switch():
                self._pending, self._handle = None, handle
                self._use(instance.api, handle)
        pending.flush(instance.api, handle, switch)

    def _leave(self) -> None:
        """Gone from its family: NULL is ignored by every update."""
        handle, self._handle = self._handle, NULL
        if handle is not NULL:
            handle_of(handle).instance.api.metric_remove(handle)

    def _key(self, values: Tuple, by_name: Dict[str, Any]) -> Tuple[str, ...]:
        if not self.labelnames or self._labelvalues:
            raise ValueError(f"{self!r} has no labels to set here")
        if values and by_name:
            raise ValueError("label values are given by position or by name, not both")
        if by_name:
            if by_name.keys() != set(self.labelnames):
                raise ValueError("Incorrect label names")
            values = tuple(by_name[name] for name in self.labelnames)
        if len(values) != len(self.labelnames):
            raise ValueError("Incorrect label count")
        return tuple(str(value) for value in values)

    def _full_name(self, name: str, namespace: str, subsystem: str, unit: str) -> str:
        full = "_".join(part for part in (namespace, subsystem, name) if part)
        if self.suffix and full.endswith(self.suffix):
            full = full[:-len(self.suffix)]
        if unit and not full.endswith("_" + unit):
            full += "_" + unit
        if not _NAME.fullmatch(full):
            raise ValueError(f"Invalid metric name: {full}")
        return full

    def _checked_labels(self, names: Iterable[str]) -> Tuple[str, ...]:
        names = (names,) if isinstance(names, str) else tuple(names)
        for name in names:
            if not _LABEL_NAME.fullmatch(name):
                raise ValueError(f"Invalid label metric name: {name}")
            if name.startswith("__") or name in self.reserved_labels:
                raise ValueError(f"Reserved label metric name: {name}")
        if len(set(names)) != len(names):
            raise ValueError("A label name comes twice")
        return names

    def _description(self) -> _abi.FamilyDesc:
        desc = _abi.FamilyDesc(
            type=self.kind, name=_abi.text(self.name + self.suffix),
            help=_abi.text(self.documentation), unit=_abi.text(self.unit),
            label_names=_abi.texts(self.labelnames), n_label_names=len(self.labelnames),
            process_mode=self.process_mode)
        self._describe(desc)
        return desc
