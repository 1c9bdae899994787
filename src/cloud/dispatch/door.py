"""The door: messages in, messages out, for the HTTP routes and the workers' pipes. Never blocks, opens no user bytes.

Changes (submit, kill, delete, drop) are collected and carried out together by `flush` in one transaction: group
commit. Questions that have to wait are held here, not by a thread.
"""

import logging
from collections.abc import Callable
from functools import partial
from typing import Any

from cloud.api import INFO_FIELDS, Receipt
from cloud.dispatch.direct import FROM_BLOBS, Aside, infos_answer, links_answer, put_names, read_answer
from cloud.dispatch.dispatcher import Dispatcher
from cloud.dispatch.file_calls import file_answer, file_change, file_reading
from cloud.dispatch.files import Files
from cloud.dispatch.jobs import Jobs
from cloud.dispatch.questions import Question
from cloud.dispatch.waiters import Waiter
from cloud.errors import CloudException, InvalidSubmission
from cloud.model import Buffer
from cloud.wire import calls
from cloud.wire.calls import NOTHING_STORED, Stored
from cloud.wire.message import Header, decode
from cloud.wire.strangers import token_in
from cloud.wire.values import ranges_to_json

log = logging.getLogger("Cloud.door")

Reply = Callable[[list[Buffer]], None]
Answer = list[Buffer] | Callable[[], list[Buffer]]
"""What is answered after the commit, or what says so then."""
Change = Callable[[], Answer]

MAX_HELD_SECONDS = 25.0
"""No question is held longer, so that a client that is gone is noticed; the client asks again."""


_MALFORMED = (KeyError, TypeError, ValueError, IndexError, OverflowError)
"""What reading a request raises when it is not one."""


class Door:
    """Carries out the calls of `JobApi` and `FilesApi` that arrive as messages.

    All methods are called by one thread at a time, under the dispatcher's lock or in a single-threaded server.
    """

    def __init__(self, dispatcher: Dispatcher) -> None:
        self._dispatcher = dispatcher
        self._jobs: dict[int, Jobs] = {}
        self._changes: list[tuple[Change, Reply]] = []
        self._held: dict[_Held, None] = {}
        self.aside: Aside = _at_once
        """Reads and signs; may be told to do it elsewhere, where the blobs are far."""

    @property
    def wants_flush(self) -> bool:
        """Whether changes wait for `flush`."""
        return bool(self._changes)

    def ask(
        self, message: Buffer, account: int, parent: int | None, reply: Reply, stored: Stored = NOTHING_STORED
    ) -> Callable[[], None]:
        """Take a request.

        Args:
            message: of `cloud.wire.calls`.
            account: who asks.
            parent: the job that asks, if a job does.
            reply: called exactly once with the answer, before this returns or later.
            stored: which of its frames are in the blob store already.

        Returns:
            Withdraws the question, if it is still open: the asker went away.
        """
        try:
            header, frames = decode(message)
            with self._dispatcher.store.reading():
                return self._ask(header, frames, account, parent, reply, stored)
        except CloudException as error:
            reply(calls.failed(error))
        except _MALFORMED as error:
            reply(calls.failed(_malformed(error)))
        return _nothing

    def flush(self) -> None:
        """Carry out the collected changes in one transaction, then answer them all."""
        changes, self._changes = self._changes, []
        if not changes:
            return
        answers = self._together(changes) if len(changes) > 1 else None
        if answers is None:
            answers = [self._alone(change) for change, _ in changes]
        for (_, reply), answer in zip(changes, answers, strict=True):
            reply(answer() if callable(answer) else answer)

    def _together(self, changes: list[tuple[Change, Reply]]) -> list[Answer] | None:
        """None when one of them was refused or failed: all are rolled back, so that it leaves nothing behind and the
        others do not suffer, and each must be carried out alone."""
        try:
            with self._dispatcher.step():
                return [change() for change, _ in changes]
        except Exception:
            return None

    def _alone(self, change: Change) -> Answer:
        try:
            with self._dispatcher.step():
                return change()
        except CloudException as error:
            return calls.failed(error)
        except _MALFORMED as error:
            log.warning("a change was malformed", exc_info=True)
            return calls.failed(_malformed(error))
        except Exception as error:  # a fault of ours: nobody may wait for ever because of it
            return _fault("a change was carried out", error)

    def expire(self) -> None:
        """Answer questions whose deadline has come."""
        now = self._dispatcher.clock.monotonic()
        for held in list(self._held):
            if held.question.deadline is not None and held.question.deadline <= now:
                held.look()

    def next_deadline(self) -> float | None:
        """The nearest deadline of a held question."""
        if not self._held:
            return None
        return min((h.question.deadline for h in self._held if h.question.deadline is not None), default=None)

    def __len__(self) -> int:
        """How many questions are held."""
        return len(self._held)

    def _jobs_of(self, account: int) -> Jobs:
        jobs = self._jobs.get(account)
        if jobs is None:
            jobs = self._jobs[account] = Jobs(self._dispatcher, account)
        return jobs

    def _ask(
        self,
        header: Header,
        frames: list[memoryview],
        account: int,
        parent: int | None,
        reply: Reply,
        stored: Stored,
    ) -> Callable[[], None]:
        op = header["op"]
        jobs = self._jobs_of(account)
        files = partial(Files, self._dispatcher, account)
        change = self._change(op, header, frames, jobs, parent, stored)
        change = change or file_change(op, header, frames, files, stored)
        if change is not None:
            self._changes.append((change, reply))
            return _nothing
        question = _question(op, header, jobs)
        if question is not None:
            return self._hold(*question, reply)
        work = self._blob_work(op, header, account, jobs) or file_reading(op, header, files)
        if work is not None:
            self.aside(work, reply)
            return _nothing
        reply(file_answer(op, header, files) or self._read(op, header, jobs))
        return _nothing

    def _blob_work(self, op: str, header: Header, account: int, jobs: Jobs) -> Callable[[], list[Buffer]] | None:
        blobs = self._dispatcher.blobs
        if op == "read":
            return partial(read_answer, blobs, jobs.blob_of(int(header["jid"]), str(header["blob"])), header)
        if op == "links":
            self._dispatcher.usage.refuse_early(account, 1)
            return partial(links_answer, blobs, put_names(account, header))
        if op == "info" and not FROM_BLOBS.isdisjoint(fields := _fields(header)):
            return partial(infos_answer, blobs, jobs.info_and_blobs(calls.read_jids(header), fields))
        return None

    def _change(
        self, op: str, header: Header, frames: list[memoryview], jobs: Jobs, parent: int | None, stored: Stored
    ) -> Change | None:
        if op == "submit":
            part = calls.read_submit(header, frames, stored)
            return lambda: _acknowledged(jobs, jobs.submit(part, parent))
        if op == "missing_code":
            version, files = calls.read_missing_code(header)
            return lambda: calls.ok(jobs.missing_code(version, files))
        if op == "put_code":
            contents = calls.read_put_code(header, frames)
            places = {digest: stored[i] for i, digest in enumerate(header["digests"]) if i in stored}
            return lambda: _done(jobs.put_code, contents, places)
        if op == "add_interpreter":
            return lambda: _done(jobs.add_interpreter, str(header["tag"]), str(header["executable"]))
        if op == "drop":
            return lambda: _done(jobs.drop, token_in(header["token"]))
        if op == "kill":
            jids = None if header["jids"] is None else calls.read_jids(header)
            return lambda: _done(jobs.kill, jids, force=bool(header.get("force")))
        if op == "rerun":
            again, token = calls.read_jids(header), token_in(header["token"])
            return lambda: calls.ok(ranges_to_json(jobs.rerun(again, token=token)))
        if op == "delete":
            doomed = calls.read_jids(header)
            return lambda: _done(jobs.delete, doomed)
        return None

    def _read(self, op: str, header: Header, jobs: Jobs) -> list[Buffer]:
        if op == "status":
            return calls.ok(None, [jobs.status(calls.read_jids(header))])
        if op == "counts":
            return calls.ok(jobs.counts(calls.read_jids(header)))
        if op == "why":
            return calls.ok(jobs.why(int(header["jid"])))
        if op == "dependents":
            return calls.ok(ranges_to_json(jobs.dependents(int(header["jid"]))))
        if op == "info":
            return calls.infos(jobs.info(calls.read_jids(header), _fields(header)))
        if op == "describe":
            return calls.ok(jobs.describe())
        raise InvalidSubmission(f"there is no call named {op!r} in this version of the protocol")

    def _hold(self, question: Question[Any], encode: Callable[[Any], list[Buffer]], reply: Reply) -> Callable[[], None]:
        held = _Held(self._dispatcher, self._held, question, encode, reply)
        if held.look():
            return _nothing
        held.keep()
        return held.withdraw


class _Held:
    """A question that waits for its answer."""

    def __init__(
        self,
        dispatcher: Dispatcher,
        registry: "dict[_Held, None]",
        question: Question[Any],
        encode: Callable[[Any], list[Buffer]],
        reply: Reply,
    ) -> None:
        self.question = question
        self._dispatcher = dispatcher
        self._registry = registry
        self._encode = encode
        self._reply = reply
        self._waiter = Waiter(question.sids, self.look)

    def keep(self) -> None:
        self._registry[self] = None
        self._dispatcher.waiters.add(self._waiter)

    def look(self) -> bool:
        """Answer if there is an answer; whether there was."""
        try:
            answer = self.question.look(self._dispatcher.clock.monotonic())
            parts = None if answer is None else self._encode(answer)
        except CloudException as error:
            parts = calls.failed(error)
        except Exception as error:  # a fault of ours: others are woken beside this one, and it would come again
            parts = _fault("a question was answered", error)
        if parts is None:
            return False
        self.withdraw()
        self._reply(parts)
        return True

    def withdraw(self) -> None:
        self._registry.pop(self, None)
        self._dispatcher.waiters.remove(self._waiter)


def _question(op: str, header: Header, jobs: Jobs) -> tuple[Question[Any], Callable[[Any], list[Buffer]]] | None:
    """What has to wait, perhaps, and how its answer is told; None when `op` is none of these."""
    if op == "wait":
        asked = jobs.wait_question(
            calls.read_jids(header),
            timeout_seconds=_held_at_most(header["timeout_seconds"]),
            stop_on_failure=bool(header["stop_on_failure"]),
        )
        return asked, calls.waited
    if op == "outcomes":
        wanted = jobs.outcomes_question(
            calls.read_jids(header),
            timeout_seconds=_held_at_most(header["timeout_seconds"]),
            linger_seconds=_held_at_most(header.get("linger_seconds", 0.0)),
            max_bytes=int(header.get("max_bytes", 8 << 20)),
        )
        return wanted, calls.ended
    if op == "output":
        piece = jobs.output_question(**calls.read_output(header, _held_at_most(header["timeout_seconds"])))
        return piece, calls.output_piece
    return (jobs.stack_question(int(header["jid"])), calls.ok) if op == "stack" else None


def _fields(header: Header) -> list[str]:
    fields = [str(f) for f in header["fields"]]
    unknown = sorted(set(fields) - set(INFO_FIELDS))
    if unknown:
        raise InvalidSubmission(f"there is no info {unknown[0]!r}; there are: {', '.join(INFO_FIELDS)}")
    return fields


def _at_once(work: Callable[[], list[Buffer]], reply: Reply) -> None:
    reply(work())


def _acknowledged(jobs: Jobs, receipt: Receipt) -> Answer:
    return lambda: calls.receipt(jobs.with_outcomes(receipt))


def _done(change: Callable[..., None], *arguments: Any, **more: Any) -> list[Buffer]:
    change(*arguments, **more)
    return calls.ok()


def _fault(doing: str, error: Exception) -> list[Buffer]:
    log.error("a fault while %s", doing, exc_info=error)
    return calls.failed(CloudException(f"a fault in the server: {error!r}; its log says where"))


def _malformed(error: Exception) -> InvalidSubmission:
    return InvalidSubmission(f"the request is malformed: {type(error).__name__}: {error}")


def _held_at_most(timeout_seconds: float | None) -> float:
    if timeout_seconds is None:
        return MAX_HELD_SECONDS
    return max(0.0, min(float(timeout_seconds), MAX_HELD_SECONDS))  # 0 also for what is no number


def _nothing() -> None:
    pass
