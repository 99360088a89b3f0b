# SPDX-License-Identifier: MIT
"""What times, counts and tracks a block or a function: context managers that are decorators too.

A decorated function gets a new one for each call, so that calls may nest and run on many threads;
of an async function the time until its result is what counts.
"""
import functools
import inspect
from timeit import default_timer
from typing import Any, Callable, Tuple, Type, Union


class _Around:
    def _again(self) -> Any:
        return self

    def __call__(self, function: Callable) -> Callable:
        if inspect.iscoroutinefunction(function):
            @functools.wraps(function)
            async def wrapped_async(*args, **kwargs):
                with self._again():
                    return await function(*args, **kwargs)
            return wrapped_async

        @functools.wraps(function)
        def wrapped(*args, **kwargs):
            with self._again():
                return function(*args, **kwargs)
        return wrapped


class Timer(_Around):
    """Calls `callback` with the seconds that it took. `with ... as timer: timer.labels(...)` gives
    the instrument its label values at the end."""

    def __init__(self, metric: Any, method: str):
        self._metric, self._method = metric, method

    def _again(self) -> "Timer":
        return Timer(self._metric, self._method)

    def __enter__(self) -> "Timer":
        self._start = default_timer()
        return self

    def __exit__(self, *_) -> None:
        getattr(self._metric, self._method)(max(default_timer() - self._start, 0))

    def labels(self, *args, **kwargs) -> None:
        self._metric = self._metric.labels(*args, **kwargs)


class InprogressTracker(_Around):
    """Up by one inside, down again outside."""

    def __init__(self, gauge: Any):
        self._gauge = gauge

    def __enter__(self) -> None:
        self._gauge.inc()

    def __exit__(self, *_) -> None:
        self._gauge.dec()


class ExceptionCounter(_Around):
    """Counts what is raised out of the block, and lets it through."""

    def __init__(self, counter: Any,
                 exception: Union[Type[BaseException], Tuple[Type[BaseException], ...]]):
        self._counter, self._exception = counter, exception

    def __enter__(self) -> None:
        pass

    def __exit__(self, _kind, value, _traceback) -> bool:
        if isinstance(value, self._exception):
            self._counter.inc()
        return False
