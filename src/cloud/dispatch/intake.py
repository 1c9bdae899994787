"""How a submission comes in: part by part, durable, the same however often it is sent."""

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from cloud.api import NewChunk, Part, Receipt, size_of
from cloud.dispatch.barriers import first_failure, stall
from cloud.dispatch.dispatcher import Dispatcher
from cloud.dispatch.lifecycle import Verdict
from cloud.dispatch.naming import Naming, not_found, stretches
from cloud.dispatch.questions import first_missing
from cloud.dispatch.step import Step
from cloud.errors import InvalidSubmission, NoInterpreter
from cloud.model import INLINE_MAX_BYTES, BlobRef, Buffer, Chunk, Piece, Spec, Stretch, Submission

MOST_HELD = 10_000
SILENCE_ALLOWED = timedelta(minutes=5)
"""An unsealed submission whose client sent nothing for so long is dropped."""


class Intake:
    """Takes the parts of submissions of one account."""

    def __init__(self, dispatcher: Dispatcher, account: int, naming: Naming) -> None:
        self._dispatcher = dispatcher
        self._store = dispatcher.store
        self._blobs = dispatcher.blobs
        self._account = account
        self._naming = naming
        self._held: set[str] = set()
        """Digests that the account is known to have."""

    def take(self, part: Part, parent_jid: int | None) -> Receipt:
        """See `JobApi.submit`; what can be refused is refused before anything is written."""
        if part.count is not None and part.count < 1:
            raise InvalidSubmission(f"a submission of {part.count} jobs: there must be at least one")
        with self._dispatcher.step() as step:
            submission = self._store.find_token(self._account, part.token)
            if submission is not None and submission.sealed:
                return Receipt(submission.jids)
            now = self._dispatcher.clock.now()
            whole = submission is None
            if submission is None:
                if part.spec is not None and not self._has_code(part.spec):
                    return Receipt(missing_code=True)
            self._admit(part, submission)
            if submission is None:
                submission = self._begin(part, parent_jid, now)
                if submission is None:
                    return Receipt(missing_function=True)
            chunks = [self._add_chunk(submission.sid, chunk, now) for chunk in part.chunks]
            if part.count is None:
                return Receipt()
            extents = sorted((c.first, c.count) for c in chunks) if whole else None
            first_in_line = not step.ready
            sealed = self._seal(submission, part.count, extents, step)
            if part.count == 1 and whole and first_in_line and step.ready:
                self._dispatcher.claim_at_once(sealed, chunks, step)
            self._naming.remember(sealed)
            return Receipt(sealed.jids)

    def drop(self, token: str) -> None:
        """See `JobApi.drop`."""
        with self._dispatcher.step() as step:
            submission = self._store.find_token(self._account, token)
            if submission is not None and not submission.sealed:
                step.garbage += self._store.drop_unsealed(submission.sid)

    def _begin(self, part: Part, parent_jid: int | None, now: datetime) -> Submission | None:
        spec = part.spec
        if spec is None:
            raise InvalidSubmission(
                "this submission is unknown here: its first part never arrived, or it was given up after "
                f"{SILENCE_ALLOWED.total_seconds() / 60:.0f} minutes without a sign of life",
                hint="submit the whole map again",
            )
        if parent_jid is not None:
            spec = replace(spec, parent_jid=parent_jid)
        types = self._dispatcher.engine.types
        if spec.core_type not in types:
            raise InvalidSubmission(f"_type is {spec.core_type!r}; expected one of: {', '.join(types)}")
        reason = self._dispatcher.engine.refuse(spec)
        if reason is not None:
            raise NoInterpreter(reason)
        wanted = self._barrier_of(spec) if spec.depends_on else []
        if part.function is not None:
            self._add_function(spec.function, part.function, part.function_stored)
        elif not self._holds(spec.function) or self._store.function(spec.function) is None:
            return None
        submission = self._store.add_submission(self._account, part.token, spec, now)
        if wanted:
            self._store.add_barrier(submission.sid, wanted)
        return submission

    def _has_code(self, spec: Spec) -> bool:
        version = spec.environment.code_version
        return not version or (self._holds(version) and self._store.has_code(version))

    def _holds(self, digest: str) -> bool:
        """Whether the account has sent what has this digest; that another has is not enough."""
        if digest in self._held:
            return True
        if self._store.not_held(self._account, [digest]):
            return False
        if len(self._held) >= MOST_HELD:
            self._held.clear()
        self._held.add(digest)
        return True

    def _admit(self, part: Part, submission: Submission | None) -> None:
        usage = self._dispatcher.usage
        if not usage.limited(self._account):
            return
        spec = part.spec if submission is None else submission.spec
        size = sum(chunk.size_bytes for chunk in part.chunks)
        jobs = sum(chunk.count for chunk in part.chunks) if part.count is None else part.count
        usage.admit(
            self._account, jobs=jobs, size_bytes=size, cores=1 if spec is None else max(1, spec.cores),
            is_part=part.count is None,
        )  # fmt: skip

    def _barrier_of(self, spec: Spec) -> list[Stretch]:
        found = self._naming.find(spec.depends_on)
        for named, seen in zip(found, self._store.glances(stretches(found)), strict=True):
            if seen.whole or (seen.open and len(named.stretch) == 1):
                continue
            gone = first_missing(self._store, named.stretch)
            if gone is not None:
                raise not_found(named.jid(gone))
        return _joined(stretches(found))

    def _add_function(self, digest: str, parts: Sequence[Buffer], stored: BlobRef | None) -> None:
        check = hashlib.sha256()
        for part in parts:
            check.update(part)
        if check.hexdigest() != digest:  # else an account could put its code under the digest of another's
            raise InvalidSubmission("the function arrived damaged: its digest is not the one announced", retry=True)
        if self._store.function(digest) is None:
            self._store.add_function(digest, stored or self._piece(f"functions/{digest}", parts))
        if not self._holds(digest):
            self._store.note_held(self._account, [digest])

    def _add_chunk(self, sid: int, chunk: NewChunk, now: datetime) -> Chunk:
        if chunk.count < 1 or chunk.first < 0:
            raise InvalidSubmission(f"a chunk of {chunk.count} jobs from {chunk.first}: neither can be")
        piece = chunk.stored or self._piece(f"args/{sid}/{chunk.first}", chunk.parts)
        kept = Chunk(chunk.first, chunk.count, piece)
        self._store.add_chunk(sid, kept, now)
        return kept

    def _piece(self, name: str, parts: Sequence[Buffer]) -> Piece:
        if size_of(parts) > INLINE_MAX_BYTES:
            return self._blobs.put(name, parts)
        return bytes(parts[0]) if len(parts) == 1 else b"".join(parts)

    def _seal(
        self, submission: Submission, count: int, extents: list[tuple[int, int]] | None, step: Step
    ) -> Submission:
        """`extents` are those of all chunks, if they are known."""
        expected = 0
        for first, length in self._store.chunk_extents(submission.sid) if extents is None else extents:
            if first != expected:
                break
            expected += length
        if expected != count:
            raise InvalidSubmission(
                f"the arguments of jobs {expected} and up are missing, or more were sent than the {count} announced",
                retry=False,
                hint="submit the whole map again",
            )
        spec = submission.spec
        verdict = Verdict.RELEASE
        wanted: list[Stretch] = []
        if spec.depends_on:
            wanted = self._store.barrier(submission.sid)
            verdict = self._dispatcher.barriers.judge_new(spec, wanted)
        sealed = self._store.seal(submission.sid, count, ready=verdict is Verdict.RELEASE)
        step.touched.add(sealed.sid)
        step.ready |= verdict is Verdict.RELEASE
        if verdict is Verdict.STALL:
            failed = first_failure(self._store, wanted)
            stall(self._store, sealed.sid, count, failed, step, self._dispatcher.clock.now())
        return sealed


def _joined(parts: list[Stretch]) -> list[Stretch]:
    """Overlapping and neighbouring stretches of a submission as one."""
    joined: list[Stretch] = []
    for part in sorted(parts, key=lambda s: (s.sid, s.lo)):
        last = joined[-1] if joined else None
        if last is not None and last.sid == part.sid and part.lo <= last.hi:
            joined[-1] = Stretch(last.sid, last.lo, max(last.hi, part.hi))
        else:
            joined.append(part)
    return joined
