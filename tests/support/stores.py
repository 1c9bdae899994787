"""Stores as the contract suite drives them: made, reopened, filled and looked through by their public methods alone."""

import os
import secrets
from array import array
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

from cloud.dispatch.ports import Store
from cloud.model import BlobRef, Chunk, Column, Environment, Outcomes, Spec, Status, Stretch, Submission
from cloud.stores.sqlite import SQLiteStore
from tests.support.postgres import running

NOW = datetime(2030, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)
DIGEST = "ab" * 32
_RUN = secrets.token_hex(8)
_tokens = count()


STORE = os.environ.get("PICLOUD_TEST_STORE", "sqlite")
"""What scenarios run on: 'sqlite' or 'postgres'; `make test-all` runs them on both."""


def maker(path: str | os.PathLike[str] = ":memory:", kind: str = STORE) -> Callable[[], Store]:
    """Opens the same store each time; an empty one at first."""
    if kind == "sqlite":
        return lambda: SQLiteStore(path)
    url = running().url()
    from cloud.stores.postgres.store import PostgresStore

    return lambda: PostgresStore(url)


class Reopening:
    """A store that is closed and opened again after each outermost transaction: what is only in memory gets lost."""

    def __init__(self, make: Callable[[], Store]) -> None:
        self._make = make
        self._store = make()
        self._depth = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        self._depth += 1
        try:
            with self._store.transaction():
                yield
        finally:
            self._depth -= 1
            if not self._depth:
                self._store.close()
                self._store = self._make()


def spec(**changes: Any) -> Spec:
    """A plain spec with these changes."""
    plain: dict[str, Any] = {
        "kind": "map",
        "function": DIGEST,
        "function_name": "f",
        "environment": Environment("cpython-311", path=("/here",), variables={"PATH": "/bin"}),
    }
    return Spec(**(plain | changes))


def submit(store: Store, jobs: int, *, account: int = 1, ready: bool = True, **changes: Any) -> Submission:
    """A sealed submission with one chunk, its function stored; inside a transaction or not."""
    with store.transaction():
        wanted = spec(**changes)
        store.add_function(wanted.function, b"function")
        submission = store.add_submission(account, f"token-{_RUN}-{next(_tokens)}", wanted, NOW)
        store.add_chunk(submission.sid, Chunk(0, jobs, b"arguments"), NOW)
        return store.seal(submission.sid, jobs, ready=ready)


def claimed(store: Store, jobs: int, **changes: Any) -> tuple[Submission, int]:
    """A submission all of whose jobs are in one claim; and the claim's cid."""
    with store.transaction():
        submission = submit(store, jobs, **changes)
        return submission, store.claim(submission.sid, 0, jobs, dispatcher=1, agent="").cid


def ended(
    sid: int, lo: int, hi: int, *, attempt: int = 1, statuses: Sequence[Status] = (), at: float = 2e9, **items: Any
) -> Outcomes:
    """Columnar outcomes; job i returned b'r<i>', unless `items` names other bytes per job for a column."""
    n = hi - lo
    outcomes = Outcomes(
        sid, lo, n, bytes(statuses or [Status.DONE] * n), attempt,
        array("d", [at + i for i in range(lo, hi)]), array("d", [0.25] * n),
        result=Column.of([b"r%d" % i for i in range(lo, hi)]),
    )  # fmt: skip
    for name, values in items.items():
        setattr(outcomes, name, values if name == "blobs" else Column.of(values))
    return outcomes


def finished(
    store: Store, jobs: int, *, at: float = 2e9, blobs: dict[int, BlobRef] | None = None, **changes: Any
) -> Submission:
    """A submission all of whose jobs are done."""
    with store.transaction():
        submission, cid = claimed(store, jobs, **changes)
        assert store.finish(cid, ended(submission.sid, 0, jobs, at=at, blobs=blobs or {}))
        return submission


def whole(submission: Submission) -> Stretch:
    """All jobs of a submission."""
    return Stretch(submission.sid, 0, submission.count)


def results(store: Store, stretch: Stretch) -> dict[int, bytes]:
    """Results by index."""
    rows = store.outcomes(stretch, columns=("result",))
    return {i: bytes(row.bytes_of("result", i)) for row in rows for i in range(row.lo, row.hi)}


def places(store: Store, submission: Submission) -> list[Any]:
    """Where each job is: ('pending', losses, ready), ('claim', cid, attempt), (status, attempt), or None: deleted.

    Raises:
        AssertionError: one is in two places, or the answers about parts and the whole disagree.
    """
    found: list[Any] = [None] * submission.count
    stretch = whole(submission)

    def put(lo: int, hi: int, place: Callable[[int], Any]) -> None:
        assert 0 <= lo < hi <= submission.count
        for i in range(lo, hi):
            assert found[i] is None, f"job {i} is {found[i]} and {place(i)}"
            found[i] = place(i)

    pending, claims, rows = store.pending(stretch), store.claims(stretch), store.outcomes(stretch)
    for p in pending:
        put(p.lo, p.hi, lambda i, p=p: ("pending", p.losses, p.ready))  # type: ignore[misc]
    for c in claims:
        put(c.lo, c.hi, lambda i, c=c: ("claim", c.cid, c.attempt))  # type: ignore[misc]
    for o in rows:
        put(o.lo, o.hi, lambda i, o=o: (o.status_of(i), o.attempt))  # type: ignore[misc]
    for listed in (pending, claims, rows):
        assert [item.lo for item in listed] == sorted(item.lo for item in listed)
    assert store.all_finished(stretch) == (not pending and not claims)
    statuses = [place[0] for place in found if place is not None and isinstance(place[0], Status)]
    assert store.counts(stretch) == {s: statuses.count(s) for s in Status if s in statuses}
    failed = [i for i, place in enumerate(found) if place and isinstance(place[0], Status) and place[0].failed]
    assert store.first_failure(stretch) == (failed[0] if failed else None)
    return found


def later(seconds: float) -> datetime:
    """So long after `NOW`."""
    return NOW + timedelta(seconds=seconds)
