"""Lines in a process of their own, which may die and is started again: a cluster's library may end the process that it
is in when the cluster is away. What agents were told and said meanwhile is neither lost nor repeated."""

import contextlib
import itertools
import logging
import queue
import secrets
import socket
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Collection, Iterable, Sequence
from typing import Any, NamedTuple

from cloud.engines.fleet.lines import Found, Gone, Heard, Joined, agent_name, kind_of
from cloud.engines.fleet.pipe import Pipe
from cloud.errors import CloudException
from cloud.wire.message import Header

log = logging.getLogger("Cloud.fleet")

OPEN_SECONDS = 120.0
"""How long joining the cluster may take; starting one takes a while."""
TAKE_SECONDS = 7.0
"""Longer than agents have to answer, shorter than the 10 s after which a database ends the transaction that waits."""
CLOSE_SECONDS = 5.0
QUIET_SECONDS, HUNG_SECONDS = 2.5, 10.0
"""It says every second that it lives. The first is shorter than agents need not be heard."""
MOST_ENDED = 64
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.5, 5.0


Said = tuple[Header, list[memoryview]]


class Process(NamedTuple):
    """One that has joined the cluster."""

    process: "subprocess.Popen[bytes]"
    pipe: Pipe
    opened: Said
    """That it has, and what it found."""
    early: list[Said]
    """What else it said before."""


class LinesApart:
    """See `Lines`.

    Args:
        module: run by this interpreter with the number of a socket; see `clerk`.
        told: what it needs to join the cluster; besides, 'server', this server's name among others.
    """

    def __init__(self, module: str, told: Header) -> None:
        self.trouble = ""
        self._module = module
        self._told = {**told, "epoch": secrets.token_hex(8)}
        self._lines: dict[str, LineApart] = {}
        self._ended: deque[str] = deque(maxlen=MOST_ENDED)
        """Agents that were let go lately: perhaps nobody could tell them."""
        self._numbers = itertools.count()
        self._answers: dict[int, queue.SimpleQueue[Said]] = {}
        self._changing = threading.Lock()
        """Held while somebody says what must not be lost between two processes, or one follows another."""
        self._closed = threading.Event()

    def open(self, joined: Joined, heard: Heard, gone: Gone) -> Found:
        """See `Lines.open`.

        Raises:
            CloudException: the cluster cannot be joined.
        """
        self._joined, self._heard, self._gone = joined, heard, gone
        self._process, self._pipe, opened, early = self._start_process(None)
        self._thread = threading.Thread(target=self._attend, name="picloud-cluster", daemon=True)
        found = self._found(*opened)
        for said in early:
            self._take_in(*said)
        self._thread.start()
        return found

    def take(self, names: Collection[str]) -> Found:
        """See `Lines.take`."""
        if self.trouble:
            return Found([], [])
        answer = self._question({"op": "take", "names": sorted(names)}, (), TAKE_SECONDS)
        return Found([], []) if answer is None else self._found(*answer)

    def start(self, wanted: Header) -> str:
        """See `Lines.start`; nothing is lost if the cluster is away."""
        name = agent_name(self._told["server"], wanted["type"])
        with self._changing:
            line = self._lines[name] = LineApart(self, name, wanted)
            self._pipe.send({"op": "start", "name": name, "wanted": line.wanted})
        return name

    def close(self) -> None:
        """See `Lines.close`."""
        self._closed.set()
        with self._changing:
            self._pipe.send({"op": "close"})
            self._pipe.close()
        self._thread.join(CLOSE_SECONDS)
        _end(self._process, self._pipe)

    # --- the process

    def _start_process(self, resume: list[list[Any]] | None) -> Process:
        """
        Args:
            resume: of each agent that is known: name, the first group not heard, whether it is here, what was wanted.

        Raises:
            CloudException: it could not.
        """
        process, pipe = self._spawn()
        pipe.send({"op": "open", **self._told, "resume": resume})
        said: Said | None = None
        early: list[Said] = []
        try:
            while (said := pipe.read(OPEN_SECONDS)) is not None and said[0]["op"] not in ("opened", "failed"):
                early.append(said)
        except TimeoutError:
            log.error("the cluster was not joined within %.0f s", OPEN_SECONDS)
        if said is not None and said[0]["op"] == "opened":
            return Process(process, pipe, said, early)
        for header, _ in early:
            if header["op"] == "log":
                _log(header)
        _end(process, pipe)
        if said is None:
            raise CloudException(f"the process that talks to the cluster ended at once, with code {process.returncode}")
        raise CloudException(said[0]["why"], hint=said[0]["hint"])

    def _spawn(self) -> "tuple[subprocess.Popen[bytes], Pipe]":
        try:
            ours, its = socket.socketpair()
            command = [sys.executable, "-m", self._module, str(its.fileno())]
            with contextlib.ExitStack() as undo, its:
                undo.callback(ours.close)
                process = subprocess.Popen(
                    command, pass_fds=[its.fileno()], stdin=subprocess.DEVNULL, start_new_session=True
                )  # fmt: skip
                undo.pop_all()
        except OSError as error:
            raise CloudException(f"no process can be started that talks to the cluster: {error}") from error
        return process, Pipe(ours)

    def _attend(self) -> None:
        """Hear what it says, as long as it lives; then have another."""
        pause = FIRST_PAUSE_SECONDS
        while True:
            while (said := self._hear()) is not None:
                self._take_in(*said)
                pause = FIRST_PAUSE_SECONDS
            if self._closed.is_set():
                return
            _end(self._process, self._pipe)
            if not self.trouble:
                self.trouble = "the connection to the cluster broke"
            log.error("the process that talks to the cluster ended with code %s", self._process.returncode)
            while not self._closed.wait(pause):
                pause = min(LONGEST_PAUSE_SECONDS, pause * 2)
                try:
                    self._resume()
                    break
                except CloudException as error:
                    self.trouble = str(error)
                    log.error("the cluster is away: %s", error)

    def _hear(self) -> Said | None:
        """What it says next; None: it is dead, or as good as dead."""
        if not self._pipe.wait(QUIET_SECONDS):
            before, self.trouble = self.trouble, self.trouble or "the process that talks to it does not answer"
            if not self._pipe.wait(HUNG_SECONDS):
                log.error("the process that talks to the cluster said nothing for so long that it is ended")
                self._process.kill()
            self.trouble = before
        try:
            return self._pipe.read(HUNG_SECONDS)
        except TimeoutError:  # in the middle of something
            self._process.kill()
            return None

    def _resume(self) -> None:
        """Another process goes on where the last one was."""
        known = [[name, line.since, line.here, line.wanted] for name, line in list(self._lines.items())]
        process, pipe, (header, _), early = self._start_process(known)
        with self._changing:
            self._process, self._pipe = process, pipe
            for name in self._ended:
                pipe.send({"op": "end", "name": name})
            for name in self._lines.keys() - {name for name, *_ in known}:
                pipe.send({"op": "start", "name": name, "wanted": self._lines[name].wanted})
            for line in self._lines.values():
                line.say_again(pipe)
        self.trouble = ""
        log.warning("the cluster is back, with %d of %d agents", len(known) - len(header["gone"]), len(known))
        for name in header["gone"]:
            self._lose(name, "it is gone with its machine or the cluster")
        for said in early:
            self._take_in(*said)

    # --- what it says

    def _take_in(self, header: Header, frames: list[memoryview]) -> None:
        op = header["op"]
        if op == "log":
            _log(header)
        elif op == "answer":
            asker = self._answers.pop(header["id"], None)
            if asker is not None:
                asker.put((header, frames))
            elif "here" in header:  # too late for who asked; they have us as their server all the same
                for agent, answer in self._found(header, frames).here:
                    self._joined(agent, answer)
        elif op == "away":
            self.trouble = header["why"]
            log.error("the cluster is away: %s", self.trouble)
        elif op == "back":
            self.trouble = ""
            log.warning("the cluster is back")
        elif op == "gone":
            self._lose(header["name"], header["why"])
        elif op == "lives":
            pass
        elif (line := self._lines.get(header["name"])) is not None:
            if op == "joined":
                line.here = True
                self._joined(line, bytes(frames[0]))
            else:
                line.heard(header["since"], header["told"])
                self._heard(line, bytes(frames[0]))

    def _lose(self, name: str, why: str) -> None:
        line = self._lines.pop(name, None)
        if line is not None:
            self._gone(line, why)

    def _found(self, header: Header, frames: Iterable[memoryview]) -> Found:
        found = Found([], [])
        with self._changing:
            for name, answer in zip(header["here"], frames, strict=True):
                line = self._lines[name] = LineApart(self, name, None)
                line.here = True
                found.here.append((line, bytes(answer)))
            for name in header["late"]:
                self._lines[name] = LineApart(self, name, None)
                found.late.append(self._lines[name])
        return found

    # --- what lines need

    def say(self, header: Header, frames: Sequence[bytes] = ()) -> None:
        """To the process that there is; what may be lost."""
        self._pipe.send(header, frames)

    def question(self, header: Header, frames: Sequence[bytes], seconds: float) -> bytes:
        """The one frame of the answer; b'' when there is none in time."""
        answer = self._question(header, frames, seconds)
        return b"" if answer is None else bytes(answer[1][0])

    def _question(self, header: Header, frames: Sequence[bytes], seconds: float) -> Said | None:
        number = next(self._numbers)
        asker = self._answers[number] = queue.SimpleQueue()
        self._pipe.send({**header, "id": number, "seconds": seconds}, frames)
        try:
            return asker.get(timeout=seconds)
        except queue.Empty:
            return None if self._answers.pop(number, None) is not None else asker.get()  # it comes at this moment

    def tell(self, line: "LineApart", message: bytes) -> None:
        """What must reach the agent, whatever becomes of the process."""
        with self._changing:
            line.note(message)
            line.say_last(self._pipe)

    def end(self, line: "LineApart") -> None:
        """Let an agent go."""
        with self._changing:
            self._lines.pop(line.name, None)
            self._ended.append(line.name)
            self._pipe.send({"op": "end", "name": line.name})


class LineApart:
    """See `Line`."""

    def __init__(self, lines: LinesApart, name: str, wanted: Header | None) -> None:
        self.name = name
        self.kind = kind_of(name)
        self.wanted = wanted
        """None: an earlier server wanted it."""
        self.here = False
        """Whether it answered `hello`."""
        self.since = 0
        self._acknowledged = 0
        self._lines = lines
        self._told: list[tuple[int, bytes]] = []
        """What the agent may not have got yet, by number."""
        self._numbers = itertools.count()

    def tell(self, message: bytes) -> None:
        """See `Line.tell`."""
        self._lines.tell(self, message)

    def ask(self, message: bytes, seconds: float) -> bytes:
        """See `Line.ask`."""
        return self._lines.question({"op": "ask", "name": self.name}, [message], seconds)

    def acknowledge(self, groups: int) -> None:
        """See `Line.acknowledge`."""
        if groups != self._acknowledged:
            self._acknowledged = groups
            self._lines.say({"op": "acknowledge", "name": self.name, "groups": groups})

    def end(self) -> None:
        """See `Line.end`."""
        self._lines.end(self)

    def note(self, message: bytes) -> None:
        """One more message, which the agent has not got."""
        self._told.append((next(self._numbers), message))

    def heard(self, since: int, told: int) -> None:
        """Its groups of events below `since` were heard, and it has got all messages below `told`."""
        self.since = since
        while self._told and self._told[0][0] < told:
            self._told.pop(0)

    def say_last(self, pipe: Pipe) -> None:
        """Pass on what was noted last."""
        number, message = self._told[-1]
        pipe.send({"op": "tell", "name": self.name, "number": number}, [message])

    def say_again(self, pipe: Pipe) -> None:
        """Pass on all that it may not have got: it knows what it has."""
        pipe.send({"op": "acknowledge", "name": self.name, "groups": self._acknowledged})
        for number, message in list(self._told):
            pipe.send({"op": "tell", "name": self.name, "number": number}, [message])


def _log(header: Header) -> None:
    logging.getLogger(header["logger"]).log(header["level"], "%s", header["text"])


def _end(process: "subprocess.Popen[bytes]", pipe: Pipe) -> None:
    """It ends by itself as its pipe closes; but not if it hangs."""
    pipe.close()
    try:
        process.wait(CLOSE_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    pipe.end()
