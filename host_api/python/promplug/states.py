# SPDX-License-Identifier: MIT
"""Info and Enum, with the names and habits of prometheus_client."""
from ctypes import addressof, byref
from typing import Any, Dict, Iterable, Optional, Sequence, Tuple

from . import _abi, _fork
from ._instance import NULL, handle_of
from ._metric import Metric


class Enum(Metric):
    """Which one of `states` is true; the first, until state() says another."""
    kind, type_name = _abi.STATESET, "stateset"

    def __init__(self, name: str, documentation: str, labelnames: Iterable[str] = (),
                 namespace: str = "", subsystem: str = "", unit: str = "", plugin=None,
                 states: Optional[Sequence[str]] = None):
        if not states:
            raise ValueError(f"No states provided for Enum metric: {name}")
        self._states = tuple(states)
        self.reserved_labels = (name,)
        super().__init__(name, documentation, labelnames, namespace, subsystem, unit, plugin)

    def state(self, state: str) -> None:
        """It is in that state now. Raises ValueError for one that is not of the list."""
        if self.labelnames and not self._labelvalues:
            self._missing_labels()
        index = self._states.index(state)
        with _fork.lock:
            before, self._index = self._index, index
            if before != index:
                self._set_state(self._handle, index, 1)
                self._set_state(self._handle, before, 0)

    def after_restart(self) -> None:
        for child in list(self._children.values()) or ([] if self.labelnames else [self]):
            child._set_state(child._handle, child._index, 1)

    def _may_go(self) -> bool:
        return False  # the state is in _index alone

    def _describe(self, desc: _abi.FamilyDesc) -> None:
        desc.states, desc.n_states = _abi.texts(self._states), len(self._states)

    def _init_series(self) -> None:
        self._index = 0
        super()._init_series()

    def _be_pending(self) -> None:
        # There is nothing to count: the state is in _index, and the plugin is told it by flush().
        self._pending = self
        self._set_state = lambda *_: None

    def flush(self, api, handle, switch) -> None:
        with _fork.lock:
            api.hot_state_set(handle, self._index, 1)
            switch()

    def _use(self, api, handle) -> None:
        self._set_state = api.hot_state_set

    def _be_parent(self) -> None:
        self._be_pending()


class Info(Metric):
    """Texts as labels of a series that is always 1, exposed as NAME_info.

    The names of its labels are those of the first info(); their values can change. (In
    prometheus_client the names can change too.)
    """
    kind, type_name, suffix = _abi.INFO, "info", "_info"

    def info(self, val: Dict[str, str]) -> None:
        """Shows these texts instead of those of the last call.

        Raises ValueError where a name is one of the labels, or not one of the first call.
        """
        if self.labelnames and not self._labelvalues:
            self._missing_labels()
        if set(val) & set(self.labelnames):
            raise ValueError(f"Overlapping labels for Info metric: {sorted(val)}")
        names = tuple(sorted(val))
        with _fork.lock:
            if self._shared.setdefault("names", names) != names:
                raise ValueError(f"{self!r} has the labels {self._shared['names']}")
            self._value = tuple(str(val[name]) for name in names)
            instance = self._instance_now()
        if instance is not None:
            self._show(instance)

    def bind(self, plugin: Any) -> None:
        instance = plugin.instance()
        with _fork.lock:
            self._shared["instance"] = instance
            children = list(self._children.values()) or [self]
        for child in children:
            if child._value is not None:
                child._show(instance)

    def unbind(self) -> None:
        with _fork.lock:
            self._shared["instance"] = None
            for child in [self, *self._children.values()]:
                child._handle = NULL

    def _init_series(self) -> None:
        self._handle, self._value = NULL, None
        if not self._labelvalues:
            # Of the children too: their names are those of one family.
            self._shared: Dict[str, Any] = {}

    def _make_child(self, values: Tuple[str, ...]) -> "Info":
        child = self._copy(values)
        child._init_series()
        return self._children.setdefault(values, child)

    def _instance_now(self):
        return self._shared.get("instance")

    def _show(self, instance) -> None:
        desc = self._description()
        names = self.labelnames + self._shared["names"]
        desc.label_names, desc.n_label_names = _abi.texts(names), len(names)
        handle = instance.series(instance.family(desc), self._labelvalues + self._value)
        with _fork.lock:
            before, self._handle = self._handle, byref(handle)
        if before is not NULL and addressof(handle_of(before)) != addressof(handle):
            instance.api.metric_remove(before)
