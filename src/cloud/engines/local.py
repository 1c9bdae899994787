"""The local engine: an agent in this process, whose workers are processes of this machine."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from cloud.agent.agent import Agent
from cloud.dispatch.ports import Blobs, Claim, Event
from cloud.engines.fleet.errands import BlobsOfAgent
from cloud.model import CORE_TYPES, Ranges, Spec, Submission


class LocalEngine(Agent):
    """`Engine` on an in-process `Agent`: nothing lies between them, so nothing is added. It must be used in one thread
    at a time. `abandon` ends it; if its process dies, its workers die by themselves."""

    survives = False
    spreads = False
    types: Collection[str] = CORE_TYPES

    def __init__(self, slots: int, blobs: Blobs, *arguments: Any, **more: Any) -> None:
        """See `Agent`. Results leave for far blobs by errand, so that nobody waits for them in the engine's thread."""
        self._outgoing = BlobsOfAgent(blobs) if blobs.far else None
        self._unsent: list[Event] = []
        super().__init__(slots, self._outgoing or blobs, *arguments, **more)
        if self._outgoing is not None:
            self._outgoing.ring = self._ring_up

    def poll(self) -> list[Event]:
        """See `Agent`; what ended with a result that is still on its way is told when it has arrived."""
        events = super().poll()
        if self._outgoing is None:
            return events
        todo, self._unsent = [*self._unsent, *events], []
        ready: list[Event] = []
        for event in todo:
            sent = self._outgoing.errands.sent(event)
            if sent is None:
                self._unsent.append(event)
            else:
                ready += sent
        return ready

    def abandon(self) -> None:
        """See `Agent`; what is on its way is given up."""
        if self._outgoing is not None:
            self._outgoing.ring = lambda: None
            self._outgoing.errands.close()
        super().abandon()

    def pool(self, spec: Spec) -> str:
        """All slots are alike."""
        del spec
        return ""

    def stored(self) -> None:
        """What happened here is remembered by nobody else anyway."""

    def adopt(self, claims: Sequence[Claim], submissions: Mapping[int, Submission]) -> dict[int, Ranges]:
        """Nothing outlives this engine."""
        return {}

    def taken_over(self) -> Collection[str]:
        """There is one agent, and it begins with us."""
        return ()
