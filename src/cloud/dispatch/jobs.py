"""The half of the core that answers: JobApi on a store, for one account."""

import sysconfig
import threading
from collections.abc import Mapping, Sequence
from functools import partial
from itertools import groupby
from typing import Any, Generic, TypeVar

from cloud.api import Ended, OutputPiece, Part, Receipt, Waited
from cloud.dispatch import counting, lifecycle
from cloud.dispatch.again import Again
from cloud.dispatch.code import NOTHING, Library
from cloud.dispatch.direct import bytes_of, filled
from cloud.dispatch.dispatcher import Dispatcher
from cloud.dispatch.info import InfoReader
from cloud.dispatch.intake import Intake
from cloud.dispatch.naming import Named, Naming, not_found, stretches
from cloud.dispatch.output_question import OutputQuestion
from cloud.dispatch.questions import RESULT_COLUMNS, OutcomesQuestion, Question, WaitQuestion
from cloud.dispatch.reasons import Reasons
from cloud.dispatch.stack_question import StackQuestion
from cloud.dispatch.step import Step
from cloud.dispatch.waiters import Waiter
from cloud.errors import InvalidSubmission, JobNotFound, NotAuthorised, ServerUnavailable
from cloud.model import BlobRef, Buffer, CodeFile, Outcomes, Ranges, Status, Stretch
from cloud.model.ranges import normal, pack

A = TypeVar("A")
MOST_DEPENDENTS = 1000
"""So many submissions that wait for a job are named."""
INTERPRETERS = "interpreters/"
"""Facts whose names begin so hold the path of an interpreter that was added, by its cache tag."""


class Jobs:
    """Implements `JobApi` in process. Thread-safe: each call takes the dispatcher's lock, waits are outside it."""

    def __init__(self, dispatcher: Dispatcher, account: int) -> None:
        self._dispatcher = dispatcher
        self._store = dispatcher.store
        self._account = account
        self._naming = Naming(dispatcher.store, account)
        self._intake = Intake(dispatcher, account, self._naming)
        self._info = InfoReader(dispatcher)
        self._again = Again(dispatcher, account, self._naming)
        self._reasons = Reasons(dispatcher, account, self._naming)
        self._library = Library(dispatcher, account)

    # --- submitting

    def submit(self, part: Part, parent_jid: int | None = None) -> Receipt:
        """See `JobApi.submit`."""
        return self._intake.take(part, parent_jid)

    def ended_early(self, receipt: Receipt) -> Ended | None:
        """After the commit: how a lone job ended that was over before it (`EarlyStart`)."""
        early = self._dispatcher.ended_early
        if not early or receipt.jids is None or len(receipt.jids) > 1:
            return None
        submission = self._naming.remembered(receipt.jids)
        outcomes = None if submission is None else early.get(submission.sid)
        if submission is None or outcomes is None:
            return None
        return Ended(receipt.jids.start, outcomes, submission.spec.environment.cache_tag)

    def with_outcomes(self, receipt: Receipt) -> Receipt:
        """The receipt with that, as far as a client wants to know, which spares it a question."""
        ended = self.ended_early(receipt)
        if ended is None:
            return receipt
        told = Ended(ended.jid, ended.outcomes.only(RESULT_COLUMNS), ended.cache_tag)
        return Receipt(receipt.jids, ended=(told,))

    def drop(self, token: str) -> None:
        """See `JobApi.drop`."""
        self._intake.drop(token)

    def missing_code(self, version: str, files: Sequence[CodeFile]) -> list[str]:
        """See `JobApi.missing_code`."""
        return self._library.missing(version, files)

    def put_code(self, contents: Mapping[str, Buffer], stored: Mapping[str, BlobRef] = NOTHING) -> None:
        """See `JobApi.put_code`; `stored` says where some contents are already."""
        self._library.put(contents, stored)

    # --- waiting and reading

    def wait_question(self, jids: Ranges, *, timeout_seconds: float | None, stop_on_failure: bool) -> WaitQuestion:
        """The question behind `wait`, for those who must not block."""
        deadline = self._deadline(timeout_seconds)
        return WaitQuestion(self._store, self._naming, jids, deadline=deadline, stop=stop_on_failure)

    def outcomes_question(
        self, jids: Ranges, *, timeout_seconds: float | None, linger_seconds: float, max_bytes: int
    ) -> OutcomesQuestion:
        """The question behind `outcomes`, for those who must not block."""
        deadline = self._deadline(timeout_seconds)
        return OutcomesQuestion(
            self._store, self._naming, jids, deadline=deadline, linger=linger_seconds, max_bytes=max_bytes
        )

    def wait(self, jids: Ranges, *, timeout_seconds: float | None, stop_on_failure: bool) -> Waited:
        """See `JobApi.wait`."""
        with self._dispatcher.lock:
            question = self.wait_question(jids, timeout_seconds=timeout_seconds, stop_on_failure=stop_on_failure)
        return self._answer(question)

    def outcomes(
        self,
        jids: Ranges,
        *,
        timeout_seconds: float | None,
        linger_seconds: float = 0.0,
        max_bytes: int = 8 << 20,
    ) -> list[Ended]:
        """See `JobApi.outcomes`."""
        with self._dispatcher.lock:
            question = self.outcomes_question(
                jids, timeout_seconds=timeout_seconds, linger_seconds=linger_seconds, max_bytes=max_bytes
            )
        return self._answer(question)

    def output_question(
        self, jid: int, stream: str, *, start: int, attempt: int, timeout_seconds: float | None
    ) -> OutputQuestion:
        """The question behind `output`, for those who must not block."""
        return OutputQuestion(
            self._store, self._dispatcher.engine, self._naming, jid, stream, start=start, attempt=attempt,
            until=self._deadline(timeout_seconds),
        )  # fmt: skip

    def output(
        self, jid: int, stream: str, *, start: int = 0, attempt: int = 0, timeout_seconds: float | None
    ) -> OutputPiece:
        """See `JobApi.output`."""
        with self._dispatcher.lock:
            question = self.output_question(jid, stream, start=start, attempt=attempt, timeout_seconds=timeout_seconds)
        return self._answer(question)

    def stack_question(self, jid: int) -> StackQuestion:
        """The question behind `stack`, for those who must not block."""
        dispatcher = self._dispatcher
        return StackQuestion(self._store, dispatcher.engine, self._naming, jid, now=dispatcher.clock.monotonic())

    def stack(self, jid: int) -> str:
        """See `JobApi.stack`."""
        with self._dispatcher.lock:
            question = self.stack_question(jid)
        return self._answer(question)

    def read(self, jid: int, blob: str) -> Buffer:
        """See `JobApi.read`."""
        with self._dispatcher.lock:
            ref = self.blob_of(jid, blob)
            if not self._dispatcher.blobs.far:
                return bytes_of(self._dispatcher.blobs, ref)
        return bytes_of(self._dispatcher.blobs, ref)

    def blob_of(self, jid: int, blob: str) -> BlobRef:
        """A blob that an outcome of this job named.

        Raises:
            JobNotFound: none of them did.
        """
        named = self._naming.find((range(jid, jid + 1),))[0]
        for outcomes in self._store.outcomes(named.stretch):
            for ref in outcomes.blobs.values():
                if ref.name == blob:
                    return ref
        raise JobNotFound(f"it has no stored bytes named {blob!r}; it may have been deleted", jid=jid)

    def status(self, jids: Ranges) -> bytes:
        """See `JobApi.status`."""
        with self._dispatcher.lock:
            return self._statuses(*self._naming.find(jids))

    def counts(self, jids: Ranges) -> dict[str, int]:
        """See `JobApi.counts`."""
        with self._dispatcher.lock:
            return counting.counts(self._store, self._naming, jids)

    def info(self, jids: Ranges, fields: Sequence[str]) -> list[dict[str, Any]]:
        """See `JobApi.info`."""
        return filled(self._dispatcher.blobs, self.info_and_blobs(jids, fields))

    def info_and_blobs(self, jids: Ranges, fields: Sequence[str]) -> list[dict[str, Any]]:
        """As `info`, but what is in a blob is a `BlobRef`: for those who must not wait for blobs."""
        with self._dispatcher.lock:
            answer: list[dict[str, Any]] = []
            self._info.begin()
            for named in self._naming.find(jids):
                answer += self._info.read(named, self._statuses(named), fields)
            return answer

    def why(self, jid: int) -> str:
        """See `JobApi.why`."""
        with self._dispatcher.lock:
            return self._reasons.why(jid)

    def dependents(self, jid: int) -> Ranges:
        """See `JobApi.dependents`."""
        with self._dispatcher.lock:
            (named,) = self._naming.find((range(jid, jid + 1),))
            self._statuses(named)  # deleted: JobNotFound
            found = map(self._store.submission, self._store.dependents(named.stretch, MOST_DEPENDENTS))
            return pack(submission.jids for submission in found if submission is not None)

    # --- changing

    def kill(self, jids: Ranges | None, *, force: bool = False) -> None:
        """See `JobApi.kill`."""
        with self._dispatcher.step() as step:
            if jids is None:
                for stretch in self._all_unfinished(step):
                    self._kill(stretch, force, step)
            else:
                for named in self._naming.find(normal(jids)):
                    self._kill(named.stretch, force, step)
            step.look = True  # what was claimed and had not started is reported at once

    def rerun(self, jids: Ranges, *, token: str) -> Ranges:
        """See `JobApi.rerun`."""
        return self._again.run(jids, token)

    def delete(self, jids: Ranges) -> None:
        """See `JobApi.delete`."""
        with self._dispatcher.step() as step:
            found = self._naming.find(normal(jids))
            glances = self._store.glances(stretches(found))
            self._refuse_unfinished([named for named, seen in zip(found, glances, strict=True) if not seen.whole])
            for sid, those in groupby(stretches(found), key=lambda stretch: stretch.sid):
                step.garbage += self._store.delete(*those)
                step.touched.add(sid)

    def describe(self) -> dict[str, Any]:
        """See `JobApi.describe`."""
        with self._dispatcher.lock:
            state = self._dispatcher.engine.state()
        return {
            "slots": state.slots, "workers": state.workers, "busy": state.busy, "blocked": state.blocked,
            "interpreters": state.interpreters, "account": self._account,
            "platform": sysconfig.get_platform(),
        }  # fmt: skip

    def add_interpreter(self, tag: str, executable: str) -> None:
        """Have another interpreter of the server's machine run what is pickled under its cache tag, now and after
        each start of the server.

        Raises:
            NotAuthorised: another account than the first wants it.
        """
        if self._account != 1:
            raise NotAuthorised("only the server's own user may add interpreters")
        with self._dispatcher.step():
            self._store.set_fact(INTERPRETERS + tag, executable)
            self._dispatcher.engine.add_interpreter(tag, executable)

    def close(self) -> None:
        """Nothing of its own to let go of; the composition closes the core."""

    # --- inside

    def _answer(self, question: Question[A]) -> A:
        with self._dispatcher.lock:
            asked = _Asked(question, self._dispatcher)
            if asked.look():
                return asked.said()
            waiter = Waiter(question.sids, asked.look)
            self._dispatcher.waiters.add(waiter)
        try:
            while True:
                asked.wait()
                with self._dispatcher.lock:
                    if asked.look():
                        return asked.said()
        finally:
            with self._dispatcher.lock:
                self._dispatcher.waiters.remove(waiter)

    def _deadline(self, timeout_seconds: float | None) -> float | None:
        return None if timeout_seconds is None else self._dispatcher.clock.monotonic() + timeout_seconds

    def _statuses(self, *found: Named) -> bytes:
        return counting.statuses_of(self._store, *found)

    def _all_unfinished(self, step: Step) -> list[Stretch]:
        found = []
        for sid in self._store.of_account(self._account, unfinished=True):
            submission = self._store.submission(sid)
            if submission is None:
                continue
            if submission.sealed:
                found.append(Stretch(sid, 0, submission.count))
            else:
                step.garbage += self._store.drop_unsealed(sid)
        return found

    def _kill(self, stretch: Stretch, force: bool, step: Step) -> None:
        ended = Outcomes.uniform(stretch.sid, stretch.lo, stretch.hi, Status.KILLED, lifecycle.KILLED_TEXT)
        for lo, hi in self._store.settle(ended, at=self._dispatcher.clock.now()):
            step.finish(stretch.sid, lo, hi)
        for claim in self._store.claims(stretch):
            part = Stretch(claim.sid, max(claim.lo, stretch.lo), min(claim.hi, stretch.hi))
            self._store.condemn(part)
            if not self._dispatcher.kill_elsewhere(claim, part.lo, part.hi, force=force):
                step.after.append(partial(self._dispatcher.kill, claim, part.lo, part.hi, force=force))

    def _refuse_unfinished(self, found: Sequence[Named]) -> None:
        for named, codes in counting.codes_of(self._store, found):
            open_at = [at for status in Status if not status.finished and (at := codes.find(status)) >= 0]
            if open_at:
                raise InvalidSubmission(
                    "only finished jobs can be deleted; nothing was deleted",
                    jid=named.first_jid + min(open_at),
                    hint="kill it first, or wait with cloud.join",
                )
            if (gone := codes.find(counting.GONE)) >= 0:  # deleted before
                raise not_found(named.first_jid + gone)


class _Asked(Generic[A]):
    """A question whose asker sleeps until there is an answer: those who commit look for it, so that the asker, who
    would compete with them for the interpreter, is not woken for nothing."""

    def __init__(self, question: Question[A], dispatcher: Dispatcher) -> None:
        self._question = question
        self._dispatcher = dispatcher
        self._woken = threading.Event()
        self._deadline: float | None = None
        self._answer: A | None = None
        self._error: Exception | None = None

    def look(self) -> bool:
        """Whether there is an answer now. Under the dispatcher's lock."""
        if self._answer is None and self._error is None:
            try:
                if self._dispatcher.closed:
                    raise ServerUnavailable("it was closed, and its jobs forgotten, while they were waited for")
                self._answer = self._question.look(self._dispatcher.clock.monotonic())
            except Exception as error:
                self._error = error
        there = self._answer is not None or self._error is not None
        if there or self._question.deadline != self._deadline:
            self._deadline = self._question.deadline
            self._woken.set()
        return there

    def wait(self) -> None:
        """Until there is an answer, or it is time to look again."""
        deadline, clock = self._deadline, self._dispatcher.clock
        self._woken.wait(None if deadline is None else max(0.0, deadline - clock.monotonic()))
        self._woken.clear()

    def said(self) -> A:
        """The answer, or its error."""
        if self._answer is None:
            assert self._error is not None, "asked before there was an answer"
            raise self._error
        return self._answer
