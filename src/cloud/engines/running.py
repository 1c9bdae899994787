"""A job that runs in this very process: what is printed meanwhile, its limit and its profile."""

import cProfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from cloud.dispatch.ports import Work
from cloud.engines.alarm import Alarm
from cloud.engines.tee import Tee
from cloud.wire.coroutine import Coroutine, value_of


@dataclass(slots=True)
class Running:
    """A job that runs now; `thread` runs it."""

    work: Work
    thread: int
    started: float
    stdout: Tee
    stderr: Tee
    alarm: Alarm | None = None
    profile: cProfile.Profile | None = None

    def call(self, function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """The function's value; measured and limited as the job wants it."""
        run = self.profile.runcall if self.profile is not None else _plainly

        def whole() -> Any:
            value = run(function, *args, **kwargs)
            return run(value_of, value) if type(value) is Coroutine else value

        return whole() if self.alarm is None else self.alarm.call(whole)

    @contextmanager
    def set_aside(self) -> Iterator[None]:
        """While another job runs in its thread, for which it waits, it is neither measured nor limited."""
        if self.alarm is not None:
            self.alarm.pause()
        if self.profile is not None:
            self.profile.disable()
        try:
            yield
        finally:
            if self.profile is not None:
                self.profile.enable()
            if self.alarm is not None:
                self.alarm.resume()  # last: from here on it may raise


def _plainly(function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    return function(*args, **kwargs)
