"""What jobs of agents elsewhere are doing: the agents are asked, and those who ask wait a moment."""

import select
import time
from abc import ABC, abstractmethod
from collections.abc import Collection
from dataclasses import replace
from typing import Any

from cloud.dispatch.ports import Live, Said, Stack, WorkerState
from cloud.engines.fleet.member import Member
from cloud.wire.message import Header, decode, encode
from cloud.wire.values import ranges_from_json

ASK_SECONDS = 0.25
"""How long a question may take; an agent that was not heard for `PATIENCE_SECONDS` is not asked."""
PATIENCE_SECONDS = 2.0
MOST_STACKS = MOST_SEEN = 100


class Looks(ABC):
    """The part of a fleet engine that looks; see `dispatch.ports.Engine`."""

    def __init__(self) -> None:
        self._members: dict[str, Member] = {}
        """By the name of the agent."""
        self._heard_jobs: set[tuple[int, int]] = set()
        self._unanswered: set[tuple[int, int]] = set()
        """Jobs of which nobody could say in time what they said: when their agents are heard, they count as heard."""
        self._seen: dict[tuple[int, int], list[Any]] = {}
        """By job, the stream that was looked at last, and how far."""
        self._stacks: dict[tuple[int, int], Stack] = {}
        """By job, those that were asked for and have not come."""

    def live(self, sid: int, index: int) -> Live | None:
        """Asks the agent that has it."""
        found = self._ask(sid, index, {"op": "live", "job": [sid, index]})
        if found is None or "live" not in found[0]:
            return None
        started, pid, waits_for = found[0]["live"]
        out, err = found[1]
        return Live(started, bytes(out), bytes(err), pid, ranges_from_json(waits_for))

    def said(self, sid: int, index: int, stream: str, start: int, max_bytes: int) -> Said | None:
        """Asks the agent that has it."""
        found = self._ask(sid, index, {"op": "said", "arguments": [sid, index, stream, start, max_bytes]})
        if found is None and self._holder(sid, index) is not None:
            self._unanswered.add((sid, index))
        if found is None or "said" not in found[0]:
            self._saw(sid, index, stream, start)
            return None
        at, attempt = found[0]["said"]
        self._saw(sid, index, stream, at + len(found[1][0]))
        return Said(at, bytes(found[1][0]), attempt)

    def _saw(self, sid: int, index: int, stream: str, end: int) -> None:
        self._seen[sid, index] = [stream, end]
        while len(self._seen) > MOST_SEEN:
            del self._seen[next(iter(self._seen))]

    def follow(self, sid: int, index: int) -> None:
        """All agents are told: any may get it. What it said since it was looked at is not missed."""
        seen = self._seen.pop((sid, index), None)
        for member in self._members.values():
            self._tell(member, {"op": "follow", "job": [sid, index], "seen": seen})

    @abstractmethod
    def fileno(self) -> int:
        """See `Engine`."""

    def wait(self, seconds: float) -> None:
        """Asleep."""
        select.select([self.fileno()], (), (), seconds)

    def heard(self) -> Collection[tuple[int, int]]:
        """As the agents said since."""
        heard, self._heard_jobs = self._heard_jobs, set()
        return heard

    def stack(self, sid: int, index: int) -> Stack | None:
        """Asked of the agent that has it; the answer comes with what is heard of it."""
        member = self._holder(sid, index)
        if member is None or member.silent:
            return None
        stack = self._stacks.get((sid, index))
        if stack is None:
            while len(self._stacks) >= MOST_STACKS:  # of agents that died meanwhile
                del self._stacks[next(iter(self._stacks))]
            stack = self._stacks[sid, index] = Stack()
            self._tell(member, {"op": "stack", "job": [sid, index]})
        return stack

    def delay(self, sid: int, index: int) -> str | None:
        """Asks the agent that has it."""
        found = self._ask(sid, index, {"op": "delay", "job": [sid, index]})
        return None if found is None else found[0].get("delay")

    def workers(self, most: int) -> list[WorkerState]:
        """Asks one agent after another, until there are so many or `ASK_SECONDS` are over."""
        found: list[WorkerState] = []
        end = time.monotonic() + ASK_SECONDS
        for member in self._members.values():
            left = end - time.monotonic()
            if len(found) < most and left > 0:
                answer = self._ask_member(member, {"op": "workers", "most": most - len(found)}, left)
                if answer is not None:
                    found += [replace(WorkerState(*about), agent=member.name) for about in answer[0]["workers"]]
                    free, whole = answer[0].get("disk", member.disk)
                    member.disk = int(free), int(whole)
        return found

    def _take_looks(self, state: Header) -> None:
        """What an agent said of jobs that are looked at, taken out of its state."""
        self._heard_jobs.update((sid, index) for sid, index in state.pop("heard", ()))
        self._heard_jobs |= self._unanswered
        self._unanswered.clear()
        for sid, index, text, fault in state.pop("stacks", ()):
            stack = self._stacks.pop((sid, index), None)
            if stack is not None:
                stack.text, stack.fault = text, fault
                self._heard_jobs.add((sid, index))

    def _holder(self, sid: int, index: int) -> Member | None:
        for member in self._members.values():
            for given in member.given.values():
                if given.sid == sid and any(index in part for part in given.left):
                    return member
        return None

    def _ask(self, sid: int, index: int, question: Header) -> tuple[Header, list[memoryview]] | None:
        member = self._holder(sid, index)
        return None if member is None else self._ask_member(member, question, ASK_SECONDS)

    def _ask_member(self, member: Member, question: Header, seconds: float) -> tuple[Header, list[memoryview]] | None:
        """Who asks is held up; so an agent that did not answer is not asked again until it is heard."""
        if member.silent or member.deaf or time.monotonic() - member.heard_at > PATIENCE_SECONDS:
            return None
        answer = member.line.ask(b"".join(encode(question)), seconds)
        member.deaf = not answer
        return decode(answer) if answer else None

    def _tell(self, member: Member, message: Header) -> None:
        member.line.tell(b"".join(encode(message)))
