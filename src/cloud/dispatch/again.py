"""Running finished jobs once more, as new submissions on the same bytes."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime

from cloud.dispatch.dispatcher import Dispatcher
from cloud.dispatch.naming import Named, Naming, not_found
from cloud.dispatch.questions import first_missing
from cloud.errors import InvalidSubmission, NoInterpreter
from cloud.model import Chunk, Ranges, Spec, Stretch, Submission
from cloud.model.ranges import count, normal, pack, subtract

AT_ONCE = 4096
"""Chunks of so many jobs are in memory at a time."""
MOST_SHOWN = 100
"""As in `Spec.shown_arguments`."""
MOST_ORIGINALS = 100
"""As in `Spec.again`."""


class Again:
    """Answers `JobApi.rerun` for one account."""

    def __init__(self, dispatcher: Dispatcher, account: int, naming: Naming) -> None:
        self._dispatcher = dispatcher
        self._store = dispatcher.store
        self._account = account
        self._naming = naming

    def run(self, jids: Ranges, token: str) -> Ranges:
        """See `JobApi.rerun`; what can be refused is refused before anything is written."""
        with self._dispatcher.step() as step:
            known = tuple(self._known(token))
            if known:
                return known
            originals = _by_submission(self._naming.find(normal(jids)))
            for named in originals:
                self._refuse_unfinished(named)
                reason = self._dispatcher.engine.refuse(named[0].submission.spec)
                if reason is not None:
                    raise NoInterpreter(reason)
            self._admit(originals)
            now = self._dispatcher.clock.now()
            made = []
            for number, named in enumerate(originals):
                again = self._submit(f"{token}/{number}", named, now)
                made.append(again.jids)
                step.touched.add(again.sid)
                step.ready = True
            return tuple(made)

    def _known(self, token: str) -> Iterator[range]:
        """The jobs that were made when the call with this token came first."""
        number = 0
        while (submission := self._store.find_token(self._account, f"{token}/{number}")) is not None:
            yield submission.jids
            number += 1

    def _admit(self, originals: list[list[Named]]) -> None:
        usage = self._dispatcher.usage
        for named in originals:
            usage.admit(self._account, cores=max(1, named[0].submission.spec.cores))
        usage.admit(self._account, jobs=sum(len(part.stretch) for named in originals for part in named))

    def _refuse_unfinished(self, named: list[Named]) -> None:
        """Looks at all between the first and the last at once: they may be very many."""
        span = Stretch(named[0].stretch.sid, named[0].stretch.lo, named[-1].stretch.hi)
        places = [range(p.lo, p.hi) for p in self._store.pending(span)]
        places += [range(max(c.lo, span.lo), min(c.hi, span.hi)) for c in self._store.claims(span)]
        unfinished = normal(places)
        asked = _indices(named)
        finished = subtract(asked, unfinished)
        if finished != asked:
            (first, *_) = subtract(asked, finished)
            raise InvalidSubmission(
                "only finished jobs can be run again; none was",
                jid=named[0].jid(first.start),
                hint="wait with cloud.join, or kill it first",
            )
        if count(unfinished) + sum(self._store.counts(span).values()) != len(span):
            for part in named:
                gone = first_missing(self._store, part.stretch)
                if gone is not None:
                    raise not_found(part.jid(gone))

    def _submit(self, token: str, named: list[Named], at: datetime) -> Submission:
        original, indices = named[0].submission, _indices(named)
        submission = self._store.add_submission(self._account, token, _spec_again(original, indices), at)
        first = 0
        for chunk, picks in self._picked(original.sid, indices):
            jobs = count(picks)
            self._store.add_chunk(submission.sid, Chunk(first, jobs, chunk.packed, picks), at)
            first += jobs
        sealed = self._store.seal(submission.sid, first, ready=True)
        self._naming.remember(sealed)
        return sealed

    def _picked(self, sid: int, indices: Ranges) -> Iterator[tuple[Chunk, Ranges]]:
        """The chunks in which these jobs are, and where they are among those that were packed there."""
        left = list(reversed(indices))
        while left:
            lo = left[-1].start
            for chunk in self._store.chunks(sid, lo, min(indices[-1].stop, lo + AT_ONCE)):
                stop = chunk.first + chunk.count
                picks: list[range] = []
                while left and left[-1].start < stop:
                    run = left.pop()
                    picks += chunk.positions(run.start, min(run.stop, stop))
                    if run.stop > stop:
                        left.append(range(stop, run.stop))
                if picks:
                    yield chunk, pack(picks)


def _indices(named: list[Named]) -> Ranges:
    return tuple(range(n.stretch.lo, n.stretch.hi) for n in named)


def _by_submission(found: list[Named]) -> list[list[Named]]:
    groups: dict[int, list[Named]] = {}
    for named in found:
        groups.setdefault(named.stretch.sid, []).append(named)
    return list(groups.values())


def _spec_again(original: Submission, indices: Ranges) -> Spec:
    """The same, but for what was true of the first run only: its dependencies, who made it, where its logs are."""
    shown = original.spec.shown_arguments
    known = [shown[index] if index < len(shown) else "" for index in _first(indices, MOST_SHOWN)]
    while known and not known[-1]:
        known.pop()
    first = original.jids.start
    jids = tuple(range(first + r.start, first + r.stop) for r in indices)
    return replace(
        original.spec,
        depends_on=(),
        parent_jid=None,
        datalog="",
        shown_arguments=tuple(known),
        again=jids if len(jids) <= MOST_ORIGINALS else (),
    )


def _first(ranges: Ranges, most: int) -> list[int]:
    found: list[int] = []
    for item in ranges:
        found += item[: most - len(found)]
    return found
