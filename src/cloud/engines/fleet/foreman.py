"""The agent's end: drives an `Agent` in a process of its own, does what a server says, and keeps what happened for it.

    tell -> inbox (in order of number) -> queue -> the agent's workers
                                                      |
    listen <- groups of events, until acknowledged  <-+

One thread of ours uses the agent. `hello`, `tell`, `ask` and `listen` may be called from any others.
"""

import logging
import os
import select
import socket
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import astuple
from typing import Any

from cloud import __version__
from cloud.agent.agent import Agent
from cloud.dispatch.ports import Blocked, Event, Finished, Stack
from cloud.engines.fleet.backlog import Backlog
from cloud.engines.fleet.errands import BlobsOfAgent
from cloud.engines.fleet.followed import Followed
from cloud.engines.fleet.messages import FLEET_PROTOCOL, Opener, events_to_bytes
from cloud.model import Ranges, Status
from cloud.model.ranges import normal, subtract
from cloud.wire.message import Header, decode, encode
from cloud.wire.values import ranges_to_json

log = logging.getLogger("Cloud.agent")

SILENCE_SECONDS = 60.0
"""An agent to which no server has listened for so long kills its jobs and goes: longer than a restart of the server."""
HELLO_SECONDS = 30.0
PAUSE_SECONDS = 5.0
"""When our own thread did not run for so long, it was us who were stopped, and nobody could have listened."""
LISTEN_BYTES = 8 << 20
"""One answer holds about so much, or a single group that is larger."""
MOST_LOOKED_AT = 64
_NOT_RUNNING = "it has ended"


class Foreman:
    """Runs until `close`, or until nobody listened for too long.

    Args:
        agent: nobody else uses it; made with `blobs`.
        blobs: as it has them.
        silence_seconds: see `SILENCE_SECONDS`.
        gone: called once all jobs are dead and nothing will happen any more.
        about: what servers are told of this agent besides: 'type', ...
    """

    def __init__(
        self,
        agent: Agent,
        blobs: BlobsOfAgent,
        *,
        silence_seconds: float = SILENCE_SECONDS,
        gone: Callable[[], None] = lambda: None,
        about: Header | None = None,
    ) -> None:
        self._agent = agent
        self._about = _self() | (about or {})
        self._silence_seconds = silence_seconds
        self._gone = gone
        self._changed = threading.Condition()
        self._wake = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self._epoch = ""
        self._inbox: dict[int, bytes] = {}
        self._expected = 0
        self._questions: deque[tuple[Header, list[bytes]]] = deque()
        self._groups: deque[tuple[int, bytes, dict[int, Ranges]]] = deque()
        self._next_group = 0
        self._news = False
        self._state: Header = {}
        self._heard_jobs: set[tuple[int, int]] = set()
        self._seen_stacks: list[list[Any]] = []
        self._listened_at = self._passed_at = time.monotonic()
        self._stopping = False
        # Below: of our thread alone.
        self._opener = Opener()
        self._blobs, self._errands = blobs, blobs.errands
        blobs.ring = self._ring
        self._backlog, self._followed = Backlog(agent, self._errands), Followed(agent)
        self._unsent: list[Event] = []
        self._dropped: set[int] = set()
        """Claims of which a server said that others have them: that their jobs were killed here concerns nobody."""
        self._held: dict[int, Ranges] = {}
        self._lent: set[int] = set()  # those of them that have a slot whose job waits
        self._stacks: dict[tuple[int, int], Stack] = {}
        self._thread = threading.Thread(target=self._run, name="picloud-foreman", daemon=True)
        self._thread.start()

    # --- what a server calls

    def hello(self, epoch: str) -> bytes:
        """A server takes over; whoever had this agent before is not heard any more. A cluster may repeat this call.

        Returns:
            Header {"held": {cid: ranges}, "lent": [cid, ...], ...state}: claims that are still here, and those whose
            end no server has stored yet; which of them have lent slots. All events that were not acknowledged are given
            to `listen` again.
        """
        answer: list[bytes] = []
        with self._changed:
            new = epoch != self._epoch
            if new:
                self._epoch = epoch
                self._inbox.clear()
                self._expected = 0
                self._changed.notify_all()
            self._questions.append(({"op": "hello", "new": new}, answer))
            self._listened_at = time.monotonic()
            self._ring()
            self._changed.wait_for(lambda: bool(answer) or self._stopping, HELLO_SECONDS)
            return answer[0] if answer else b""

    def tell(self, epoch: str, number: int, message: bytes) -> None:
        """Do this after what has lower numbers, which count from 0 for each server. A cluster may repeat this call."""
        with self._changed:
            if epoch == self._epoch and number >= self._expected:
                self._inbox[number] = message
                self._ring()

    def ask(self, epoch: str, message: bytes, seconds: float) -> bytes:
        """A question about jobs that run; b'' when there is no answer in time."""
        answer: list[bytes] = []
        with self._changed:
            if epoch == self._epoch:
                self._questions.append((decode(message)[0], answer))
                self._ring()
                self._changed.wait_for(lambda: bool(answer) or self._stopping, seconds)
        return answer[0] if answer else b""

    def listen(self, epoch: str, since: int, acknowledged: int, seconds: float) -> bytes:
        """What happened from group `since` on, as soon as there is anything, or nothing when the time is over.

        Args:
            epoch: as of `hello`; another server's gets {"taken": true} at once.
            since: the first group that the server has not got.
            acknowledged: groups below are stored and need not be kept.
            seconds: how long to wait at most; a server that is alive calls again at once.

        Returns:
            Header {"first": number of the first group, "told": messages below were taken, "state": ...}, a frame for
            each group; b"" from one that ends.
        """
        with self._changed:
            if epoch != self._epoch:
                return _joined({"taken": True}, [])
            self._listened_at = time.monotonic()
            while self._groups and self._groups[0][0] < acknowledged:
                self._groups.popleft()
            self._changed.wait_for(
                lambda: self._stopping or epoch != self._epoch or self._news or self._next_group > since, seconds
            )
            if self._stopping:
                return b""
            if epoch != self._epoch:
                return _joined({"taken": True}, [])
            self._listened_at = time.monotonic()
            self._news = False
            first, groups = self._groups_from(since)
            heard, self._heard_jobs = self._heard_jobs, set()
            stacks, self._seen_stacks = self._seen_stacks, []
            state = {**self._state, "heard": sorted(heard), "stacks": stacks}
            return _joined({"first": first, "told": self._expected, "state": state}, groups)

    def _groups_from(self, since: int) -> tuple[int, list[bytes]]:
        """As many as one answer holds, and the number of the first."""
        groups: list[bytes] = []
        first, size = self._next_group, 0
        for number, group, _ in self._groups:
            if number < since:
                continue
            if groups and size + len(group) > LISTEN_BYTES:
                break
            first = min(first, number)
            groups.append(group)
            size += len(group)
        return first, groups

    def close(self) -> None:
        """Kill all jobs and end."""
        with self._changed:
            self._stopping = True
            self._ring()
            self._changed.notify_all()
        self._thread.join()

    # --- our thread

    def _ring(self) -> None:
        os.eventfd_write(self._wake, 1)

    def _run(self) -> None:
        agent, poller = self._agent, select.poll()
        poller.register(agent.fileno(), select.POLLIN)
        poller.register(self._wake, select.POLLIN)
        try:
            while not self._stopping:
                now = time.monotonic()
                deadlines = [now + 1.0, self._listened_at + self._silence_seconds]
                if (due := agent.next_deadline()) is not None:
                    deadlines.append(due)
                deadlines += self._backlog.deadlines()
                poller.poll(max(0.0, min(deadlines) - now) * 1000)
                if time.monotonic() - self._passed_at > PAUSE_SECONDS:
                    self._listened_at = time.monotonic()
                self._passed_at = time.monotonic()
                self._pass()
                if time.monotonic() - self._listened_at > self._silence_seconds:
                    log.warning("no server was heard for %.0f s: all jobs here end", self._silence_seconds)
                    break
        except Exception:
            log.exception("a fault of ours: all jobs here end, and are lost to their server")
        finally:
            with self._changed:
                self._stopping = True
                self._changed.notify_all()
            self._errands.close()
            agent.abandon()
            self._gone()

    def _pass(self) -> None:
        with self._changed:
            try:
                os.eventfd_read(self._wake)
            except BlockingIOError:
                pass
            messages = []
            while self._expected in self._inbox:
                messages.append(self._inbox.pop(self._expected))
                self._expected += 1
            questions, self._questions = self._questions, deque()
        if any(header.get("new") for header, _ in questions):
            self._opener = Opener()  # each server begins anew
        events: list[Event] = []
        for message in messages:
            self._obey(message, events)
        events += self._agent.poll()
        events += self._backlog.hand_out()
        self._note(self._reported(events))
        for header, answer in questions:
            self._answer(header, answer)

    def _obey(self, message: bytes, events: list[Event]) -> None:
        header, frames = decode(message)
        op = header["op"]
        if op == "start":
            for sent in self._opener.start(header, frames):
                claim = sent.work.claim
                self._backlog.add(sent)
                self._held[claim.cid] = (range(claim.lo, claim.hi),)
                if sent.lent_by is not None:
                    self._lent.add(claim.cid)
        elif op == "kill":
            cid, lo, hi, force, reason = header["kill"]
            events += self._kill(cid, lo, hi, force=force, reason=reason)
        elif op == "drop":
            for cid in header["cids"]:
                self._dropped.add(cid)
                for left in self._held.get(cid, ()):
                    events += self._kill(cid, left.start, left.stop, force=True, reason=header["reason"])
        elif op == "follow":
            sid, index = header["job"]
            self._followed.follow(sid, index, header["seen"])
        elif op == "stack":
            sid, index = header["job"]
            self._stacks[sid, index] = self._agent.stack(sid, index) or Stack(fault=_NOT_RUNNING)
        elif op == "interpreter":
            self._agent.add_interpreter(header["tag"], header["executable"])

    def _kill(self, cid: int, lo: int, hi: int, *, force: bool, reason: str) -> list[Event]:
        self._agent.kill(cid, lo, hi, force=force, reason=reason)
        return self._backlog.kill(cid, lo, hi, reason)

    def _reported(self, events: list[Event]) -> list[Event]:
        """These and those that were held back, but for those whose results are still on their way to the store."""
        if not events and not self._unsent:
            return events
        todo, self._unsent = [*self._unsent, *events], []
        ready: list[Event] = []
        for event in todo:
            sent = self._errands.sent(event)
            if sent is None:
                self._unsent.append(event)
            else:
                ready += sent
        return ready

    def _note(self, events: list[Event]) -> None:
        for event in events:
            done = range(event.outcomes.lo, event.outcomes.hi) if isinstance(event, Finished) else _span(event)
            left = subtract(self._held.get(event.cid, ()), (done,))
            if left:
                self._held[event.cid] = left
            else:
                self._held.pop(event.cid, None)
        events = [event for event in events if not (event.cid in self._dropped and _only_killed(event))]
        self._dropped.intersection_update(self._held)
        self._lent.intersection_update(self._held)
        state = self._look()
        heard = self._followed.heard()
        seen = {job: stack for job, stack in self._stacks.items() if stack.answered}
        for job in seen:
            del self._stacks[job]
        with self._changed:
            self._seen_stacks += [[*job, stack.text, stack.fault] for job, stack in seen.items()]
            if events:
                self._groups.append((self._next_group, events_to_bytes(events), _spans(events)))
                self._next_group += 1
            self._heard_jobs.update(heard)
            if events or heard or seen or state != self._state:
                self._state = state
                self._news = True
                self._changed.notify_all()

    def _look(self) -> Header:
        agent = self._agent
        state, blocked = agent.state(), [_blocked_to_json(b) for b in agent.blocked()]
        return {
            "slots": state.slots, "workers": state.workers, "busy": state.busy, "waiting": state.blocked,
            "tags": state.interpreters, "machine": agent.machine, "blocked": blocked,
            "full": self._errands.full,
        }  # fmt: skip

    def _answer(self, header: Header, answer: list[bytes]) -> None:
        agent, op = self._agent, header["op"]
        frames: list[bytes] = []
        told: Header = {}
        if op == "hello":
            held = {str(cid): ranges_to_json(r) for cid, r in self._unstored().items()}
            told = {**self._about, **self._look(), "held": held, "lent": sorted(self._lent)}
        elif op == "live" and (live := agent.live(*header["job"])) is not None:
            told = {"live": [live.started_at, live.pid, ranges_to_json(live.waits_for)]}
            frames = [live.stdout, live.stderr]
        elif op == "said" and (said := agent.said(*header["arguments"])) is not None:
            told = {"said": [said.start, said.attempt]}
            frames = [said.data]
        elif op == "delay":
            told = {"delay": self._delay(*header["job"])}
        elif op == "workers":
            told = {"workers": [astuple(w)[:-1] for w in agent.workers(header["most"])], "disk": self._blobs.disk()}
        with self._changed:
            answer.append(_joined(told, frames))
            self._changed.notify_all()

    def _delay(self, sid: int, index: int) -> str | None:
        item = self._backlog.holds(sid, index)
        if item is not None and item.missing:
            return "its function or arguments are still on their way to that machine"
        if item is not None:
            running = [w for w in self._agent.workers(MOST_LOOKED_AT) if w.jid is not None]
            now = f"; job {min(running, key=lambda w: w.since).jid} runs now" if running else ""
            return f"others come before it there{now}"
        return self._agent.delay(sid, index)

    def _unstored(self) -> dict[int, Ranges]:
        """Jobs by claim that are here, or whose end is still to be stored by a server."""
        found = dict(self._held)
        with self._changed:
            for _, _, spans in self._groups:
                for cid, ranges in spans.items():
                    found[cid] = normal([*found.get(cid, ()), *ranges])
        return found


def _self() -> Header:
    return {
        "protocol": FLEET_PROTOCOL, "version": __version__, "host": socket.gethostname(), "pid": os.getpid(),
    }  # fmt: skip


def _span(event: Any) -> range:
    return range(event.lo, event.hi)


def _only_killed(event: Event) -> bool:
    return isinstance(event, Finished) and set(event.outcomes.status) == {Status.KILLED}


def _spans(events: Iterable[Event]) -> dict[int, Ranges]:
    spans: dict[int, list[range]] = {}
    for event in events:
        done = range(event.outcomes.lo, event.outcomes.hi) if isinstance(event, Finished) else _span(event)
        spans.setdefault(event.cid, []).append(done)
    return {cid: normal(ranges) for cid, ranges in spans.items()}


def _blocked_to_json(blocked: Blocked) -> list[Any]:
    return [blocked.worker, ranges_to_json(blocked.jids)]


def _joined(header: Header, frames: Iterable[bytes]) -> bytes:
    return b"".join(bytes(part) for part in encode(header, list(frames)))
