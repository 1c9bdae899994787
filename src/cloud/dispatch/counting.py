"""Which status jobs have, one by one or how many of each."""

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import groupby

from cloud.dispatch.naming import Named, Naming, not_found
from cloud.dispatch.ports import Store
from cloud.model import Ranges, Status, Stretch
from cloud.model.ranges import normal

GONE = 0xFF
"""In the place of a status: the job was deleted."""
_FEW = 8
"""So many parts of a submission are counted one by one; of more, statuses are read all at once."""
_SPARSE = 1000
"""Statuses of so many jobs are read in the time that it takes to ask for those of one part."""


def counts(store: Store, naming: Naming, jids: Ranges) -> dict[str, int]:
    """See `JobApi.counts`."""
    totals: Counter[Status] = Counter()
    groups: dict[int, list[Named]] = {}
    for item in normal(jids):
        whole, rest = _census(store, naming, item) if len(item) > _FEW else (Counter[Status](), (item,))
        totals += whole
        for named in naming.find(rest):
            groups.setdefault(named.stretch.sid, []).append(named)
    for group in groups.values():
        if len(group) > _FEW:
            totals += _counts_of_many(store, group)
            continue
        for named in group:
            found = counts_in(store, named.stretch)
            if found.total() != len(named.stretch):
                statuses_of(store, named)  # says which was deleted
            totals += found
    return {status.word: totals[status] for status in Status if totals[status]}


def _census(store: Store, naming: Naming, item: range) -> tuple[Counter[Status], Ranges]:
    """Counts of the submissions that lie in a range of jids as a whole, however many; and what is left of the range,
    which is all of it if something is odd there."""
    head, tail = (naming.find((edge,))[0].submission.jids for edge in (item[:1], item[-1:]))
    lo = head.start if head.start == item.start else head.stop
    hi = tail.stop if tail.stop == item.stop else tail.start
    if lo >= hi:
        return Counter(), (item,)
    found = Counter(store.census(naming.account, range(lo, hi)) or {})
    if found.total() != hi - lo:
        return Counter(), (item,)
    return found, tuple(part for part in (range(item.start, lo), range(hi, item.stop)) if part)


def counts_in(store: Store, stretch: Stretch) -> Counter[Status]:
    """How many jobs of the stretch have each status; deleted ones count nowhere."""
    totals: Counter[Status] = Counter(store.counts(stretch))
    for pending in store.pending(stretch):
        totals[Status.QUEUED if pending.ready else Status.WAITING] += pending.hi - pending.lo
    totals[Status.PROCESSING] += store.claimed(stretch)
    return +totals


def _counts_of_many(store: Store, group: list[Named]) -> Counter[Status]:
    """Of very many parts of one submission, ascending."""
    span = Stretch(group[0].stretch.sid, group[0].stretch.lo, group[-1].stretch.hi)
    codes = codes_in(store, span)
    asked = b"".join([codes[n.stretch.lo - span.lo : n.stretch.hi - span.lo] for n in group])
    if GONE in asked:
        for named in group:
            statuses_of(store, named)
    return Counter({status: number for status in Status if (number := asked.count(status))})


def statuses_of(store: Store, *found: Named) -> bytes:
    """One status per job of what is named, in its order.

    Raises:
        JobNotFound: naming the first that was deleted.
    """
    statuses = []
    for named, codes in codes_of(store, found):
        gone = codes.find(GONE)
        if gone >= 0:
            raise not_found(named.first_jid + gone)
        statuses.append(codes)
    return b"".join(statuses)


def codes_of(store: Store, found: Sequence[Named]) -> Iterator[tuple[Named, bytearray]]:
    """As `codes_in` for each of these. Very many parts of a submission are read together."""
    for sid, those in groupby(found, key=lambda named: named.stretch.sid):
        group = list(those)
        lo, hi = min(n.stretch.lo for n in group), max(n.stretch.hi for n in group)
        if len(group) <= _FEW or hi - lo > _SPARSE * len(group):
            yield from ((named, codes_in(store, named.stretch)) for named in group)
            continue
        codes = codes_in(store, Stretch(sid, lo, hi))
        yield from ((named, codes[named.stretch.lo - lo : named.stretch.hi - lo]) for named in group)


def codes_in(store: Store, stretch: Stretch) -> bytearray:
    """One status per job of the stretch, `GONE` for deleted ones."""
    codes = bytearray([GONE]) * len(stretch)
    for pending in store.pending(stretch):
        status = Status.QUEUED if pending.ready else Status.WAITING
        _paint(codes, stretch, pending.lo, pending.hi, bytes([status]))
    for claim in store.claims(stretch):
        _paint(codes, stretch, claim.lo, claim.hi, bytes([Status.PROCESSING]))
    for outcomes in store.outcomes(stretch):
        codes[outcomes.lo - stretch.lo : outcomes.hi - stretch.lo] = outcomes.statuses()
    return codes


def _paint(codes: bytearray, stretch: Stretch, lo: int, hi: int, code: bytes) -> None:
    lo, hi = max(lo, stretch.lo), min(hi, stretch.hi)
    codes[lo - stretch.lo : hi - stretch.lo] = code * (hi - lo)
