"""The part of `dispatch.ports.Engine` that looks at jobs which run."""

import select
from collections.abc import Collection

from cloud.agent.listening import Listening
from cloud.agent.stacks import Stacks
from cloud.agent.vigil import Vigil
from cloud.agent.watch import Watch
from cloud.dispatch.ports import Live, Said, Stack


class Looks:
    """From the pipes and shared memories of workers."""

    _listening: Listening
    _stacks: Stacks
    _vigil: Vigil
    _watch: Watch

    def wait(self, seconds: float) -> None:
        """See `Engine`. Awake for a moment, where that pays, then asleep."""
        if not self._vigil.sees():
            select.select([self._watch.fileno()], (), (), seconds)

    def live(self, sid: int, index: int) -> Live | None:
        """See `Engine`."""
        return self._listening.live(sid, index)

    def said(self, sid: int, index: int, stream: str, start: int, max_bytes: int) -> Said | None:
        """See `Engine`."""
        return self._listening.said(sid, index, stream, start, max_bytes)

    def follow(self, sid: int, index: int) -> None:
        """See `Engine`."""
        self._listening.follow(sid, index)

    def heard(self) -> Collection[tuple[int, int]]:
        """See `Engine`."""
        return self._listening.heard()

    def delay(self, sid: int, index: int) -> str | None:
        """See `Engine`."""
        return self._listening.delay(sid, index)

    def stack(self, sid: int, index: int) -> Stack | None:
        """See `Engine`."""
        return self._stacks.ask(sid, index)
