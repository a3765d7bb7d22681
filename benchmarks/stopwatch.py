"""Processor time by stage, without a change to what is measured: functions are wrapped while the stopwatch runs."""

import functools
import inspect
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from unittest import mock


class Stopwatch:
    """Seconds of this thread's processor by stage; what a stage calls that is a stage itself counts there alone.

    A stage within others is named after the outermost and itself, such as ``labels: flow``.
    """

    def __init__(self) -> None:
        self.seconds: defaultdict[str, float] = defaultdict(float)
        self._open: list[str] = []
        self._since = time.thread_time()

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """The block is of this stage."""
        self._settle()
        self._open.append(name)
        try:
            yield
        finally:
            self._settle()
            self._open.pop()

    def _settle(self) -> None:
        now = time.thread_time()
        if self._open:
            self.seconds[self._name()] += now - self._since
        self._since = now

    def _name(self) -> str:
        return self._open[0] if len(self._open) == 1 else f"{self._open[0]}: {self._open[-1]}"

    @contextmanager
    def on(self, stages: dict[str, list[tuple[Any, str]]]) -> Iterator[None]:
        """Within the block all calls of functions, each given as (module or class, name), are of their stage.

        A generator's time is that between being asked for a value and giving it. Raises ``AttributeError`` where there
        is no such function any more.
        """
        patches = [
            mock.patch.object(owner, function, self._timed(name, getattr(owner, function)))
            for name, functions in stages.items()
            for owner, function in functions
        ]
        for patch in patches:
            patch.start()
        try:
            yield
        finally:
            for patch in reversed(patches):
                patch.stop()

    def _timed(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def called(*arguments: Any, **named: Any) -> Any:
            with self.stage(name):
                return function(*arguments, **named)

        @functools.wraps(function)
        def generated(*arguments: Any, **named: Any) -> Iterator[Any]:
            values = function(*arguments, **named)
            while True:
                with self.stage(name):
                    value = next(values, values)
                if value is values:
                    return
                yield value

        return generated if inspect.isgeneratorfunction(function) else called
