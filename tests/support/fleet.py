"""Agents of a fleet in this process, and the way to them, which a test can cut."""

import itertools
import secrets
import threading
from collections.abc import Callable, Collection
from pathlib import Path

from cloud.agent.agent import Agent
from cloud.dispatch.ports import Blobs
from cloud.engines.fleet.errands import BlobsOfAgent
from cloud.engines.fleet.foreman import Foreman
from cloud.engines.fleet.lines import TAKEN, Found, Gone, Heard, Joined
from cloud.stores.blobs import FolderBlobs
from cloud.wire.message import Header, decode

LISTEN_SECONDS = 0.1


class ThreadLines:
    """Starts foremen of real agents with real workers; each is listened to by a thread."""

    def __init__(self, blobs: Path, machine: str | None = None, *, silence_seconds: float = 60.0) -> None:
        self.machine = machine
        self.trouble = ""
        self.open_blobs: Callable[[], Blobs] = lambda: FolderBlobs(blobs, shared=True)
        """For each agent."""
        self.silence_seconds = silence_seconds
        self.room: int | None = None
        """For how many agents there is room; None: for any number."""
        self.lines: list[ThreadLine] = []
        self.late: list[ThreadLine] = []
        """Those that there is no room for, or that do not answer."""
        self.earlier: list[ThreadLine] = []
        """Agents of an earlier server."""
        self.own = True
        """Whether that was this server."""
        self._closed = threading.Event()
        self._wanted: dict[str, Header] = {}

    def open(self, joined: Joined, heard: Heard, gone: Gone) -> Found:
        self._joined, self._heard, self._gone = joined, heard, gone
        return self.take([line.name for line in self.earlier if self.own])

    def take(self, names: Collection[str]) -> Found:
        found = Found([], [])
        for old in self.earlier:
            if old.name not in names:
                continue
            line = ThreadLine(old.name, old.kind, old.agent)
            if old.answers and line.agent:
                found.here.append((line, line.greet()))
                self._listen_to(line)
            else:
                found.late.append(self._put_off(line))
        return found

    def start(self, wanted: Header) -> str:
        line = ThreadLine(f"agent-{secrets.token_hex(3)}", wanted["type"], [])
        self._wanted[line.kind] = wanted
        if self.room is not None and len(self.lines) >= self.room:
            self._put_off(line)
        else:
            self._begin(line)
        return line.name

    def make_room(self) -> None:
        """For all that want it; and those that did not answer do."""
        self.room = None
        while self.late:
            self._begin(self.late.pop())

    def _put_off(self, line: "ThreadLine") -> "ThreadLine":
        self.late.append(line)
        line.given_up = lambda: self.late.remove(line)
        return line

    def _begin(self, line: "ThreadLine") -> None:
        line.given_up = lambda: None
        if not line.agent:
            line.agent.append(self._foreman(self._wanted.get(line.kind, {"slots": 1, "type": line.kind})))
        self._joined(line, line.greet())
        self._listen_to(line)

    def _foreman(self, wanted: Header) -> Foreman:
        blobs = BlobsOfAgent(self.open_blobs())
        agent = Agent(
            int(wanted["slots"]), blobs, machine=self.machine,
            slot_memory=wanted.get("slot_memory"), kind=wanted["type"],
        )  # fmt: skip
        return Foreman(agent, blobs, silence_seconds=self.silence_seconds, about={"type": wanted["type"]})

    def _listen_to(self, line: "ThreadLine") -> None:
        self.lines.append(line)
        threading.Thread(target=self._listen, args=(line,), daemon=True).start()

    def _listen(self, line: "ThreadLine") -> None:
        while not self._closed.is_set():
            line.passable.wait()
            answer = line.foreman.listen(line.epoch, line.since, line.acknowledged, LISTEN_SECONDS)
            if not answer:
                self._gone(line, "it ended")
                return
            line.passable.wait()
            if self._closed.is_set():
                return
            header, groups = decode(answer)
            if "taken" in header:
                self._gone(line, TAKEN)
                return
            line.since = header["first"] + len(groups)
            self._heard(line, answer)

    def close(self) -> None:
        self._closed.set()
        for line in self.lines:
            line.passable.set()

    def end(self) -> None:
        """Kill all agents, as the end of the machines would."""
        self.close()
        for line in self.lines:
            line.foreman.close()


class ThreadLine:
    """See `Line`; nothing comes through while `passable` is not set."""

    def __init__(self, name: str, kind: str, agent: list[Foreman]) -> None:
        self.name, self.kind = name, kind
        self.agent = agent
        """Its foreman, if it has come up."""
        self.answers = True
        """Whether it answers the next server."""
        self.given_up: Callable[[], None] = lambda: None
        self.epoch = secrets.token_hex(4)
        self.since = self.acknowledged = 0
        self.passable = threading.Event()
        self.passable.set()
        self._numbers = itertools.count()
        self._held_back: list[tuple[int, bytes]] = []

    @property
    def foreman(self) -> Foreman:
        return self.agent[0]

    def greet(self) -> bytes:
        return self.foreman.hello(self.epoch)

    def tell(self, message: bytes) -> None:
        self._held_back.append((next(self._numbers), message))
        if self.passable.is_set():
            held, self._held_back = self._held_back, []
            for number, item in reversed(held):  # in no order: the foreman puts them in order
                self.foreman.tell(self.epoch, number, item)

    def ask(self, message: bytes, seconds: float) -> bytes:
        return self.foreman.ask(self.epoch, message, seconds) if self.passable.is_set() else b""

    def acknowledge(self, groups: int) -> None:
        self.acknowledged = groups

    def end(self) -> None:
        self.given_up()
        for foreman in self.agent:
            foreman.close()
