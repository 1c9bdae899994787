"""`iresult` and `iresult_unordered`: results while other jobs still run, in bounded memory (SPEC S6-S12)."""

from bisect import bisect_right, insort
from collections import deque
from collections.abc import Callable, Iterator
from typing import Any, Final

from cloud.api import Ended, JobApi
from cloud.client.arguments import read_timeout
from cloud.client.meter import Pausing
from cloud.client.opening import error_of, first_failure, value_of, values_of
from cloud.client.patience import Patience
from cloud.client.readahead import ReadAhead
from cloud.client.terse import bare, tersely
from cloud.client.waiting import noted
from cloud.errors import CloudException, JobNotFound
from cloud.model import Ranges, Status
from cloud.model.ranges import normal, subtract

WINDOW_JOBS = 4096
"""How far ahead of the iterator small results are taken when they come."""
HELD_BYTES = 64 << 20
"""When small results that came out of order take more than this, only the one that is due is asked for."""
LINGER_SECONDS = 0.005
OPENED_AT_ONCE = 256
MOST_IN_PARALLEL = 1024


class _Default:
    pass


_DEFAULT: Final = _Default()


def read_in_parallel(number: Any, where: str) -> int:
    """`num_in_parallel`, where anything below 1 and above 1024 means 1024.

    Raises:
        TypeError: not an integer.
    """
    if isinstance(number, bool) or not isinstance(number, int):
        raise TypeError(f"{where}: num_in_parallel must be an integer, not {number!r:.80}")
    return number if 1 <= number <= MOST_IN_PARALLEL else MOST_IN_PARALLEL


class ResultIterator(Iterator[Any]):
    """Results in the order of the jids, as they become available.

    A failed job raises when its turn comes, and the iterator goes on behind it; after a timeout it can be asked again.
    """

    def __init__(
        self,
        api: Callable[[], JobApi],
        where: str,
        jids: Ranges,
        timeout_seconds: float | None,
        num_in_parallel: int,
        *,
        ignore_errors: bool,
        meter: Pausing | None = None,
    ) -> None:
        self._api = api
        self._meter = meter
        self._where = where
        self._timeout_seconds = timeout_seconds
        self._ignore_errors = ignore_errors
        self._ahead = deque(jids)
        self._window: deque[range] = deque()
        self._missing: Ranges = ()
        self._got: list[Ended] = []
        self._held_bytes = 0
        self._one_by_one = False
        self._began = False
        self._opened: deque[Any] = deque()
        self._blobs = ReadAhead(lambda jid, name: api().read(jid, name), num_in_parallel)

    def __iter__(self) -> "ResultIterator":
        return self

    def __next__(self) -> Any:
        try:
            return self._opened.popleft() if self._opened else self.next()
        except BaseException as failure:
            raise bare(failure)  # noqa: B904 (see `tersely`)

    @tersely
    def next(self, timeout: "float | _Default | None" = _DEFAULT) -> Any:
        """The next result.

        Args:
            timeout: seconds to wait for it; None or 0: no limit; left out: what `iresult` was given.

        Raises:
            StopIteration: there are no more.
            CloudTimeoutError: it did not come in time; ask again for the same one.
            CloudException: the job failed, and the next call is about the next job.
        """
        if self._opened:
            return self._opened.popleft()
        seconds = self._timeout_seconds if isinstance(timeout, _Default) else read_timeout(timeout, self._where)
        jid = self._due()
        try:
            ended = self._wait_for(jid, seconds)
        except JobNotFound as error:
            self._advance(1)
            return self._failed(error)
        self._open(ended, jid)
        if self._opened:
            return self._opened.popleft()
        return self._open_one(ended, jid)

    @property
    def opened(self) -> bool:
        """Whether the next result is here, and not even to be opened."""
        return bool(self._opened)

    def due(self) -> int | None:
        """The job that `next` would wait for, if it would wait."""
        try:
            jid = self._due()
        except StopIteration:
            return None
        return jid if not self._opened and self._find(jid) is None else None

    def _due(self) -> int:
        """The jid whose turn it is, moving to the next window if there is need."""
        if not self._window:
            self._got, self._held_bytes, self._one_by_one = [], 0, False
            room = WINDOW_JOBS
            while self._ahead and room:
                part = self._ahead.popleft()
                if len(part) > room:
                    self._ahead.appendleft(part[room:])
                    part = part[:room]
                self._window.append(part)
                room -= len(part)
            if not self._window:
                if self._meter is not None:
                    self._meter.over()
                raise StopIteration
            self._missing = normal(self._window)
        return self._window[0].start

    def _advance(self, number: int) -> None:
        rest = self._window.popleft()[number:]
        if rest:
            self._window.appendleft(rest)

    def _find(self, jid: int) -> Ended | None:
        at = bisect_right(self._got, jid, key=_first_jid) - 1
        if at >= 0 and jid in self._got[at].jids:
            return self._got[at]
        return None

    def _wait_for(self, jid: int, seconds: float | None) -> Ended:
        """The outcomes that hold this job's, with whatever else has come."""
        if (ended := self._find(jid)) is not None:
            return ended
        due = (range(jid, jid + 1),)
        only_due = self._one_by_one or self._held_bytes > HELD_BYTES
        linger = LINGER_SECONDS if self._began else 0.0  # the very first result comes as soon as it is there
        with Patience(self._api(), self._where, seconds, meter=self._meter) as patience:
            while True:
                asked = due if only_due else self._missing
                try:
                    answer = self._api().outcomes(
                        asked,
                        timeout_seconds=patience.step(due, partly=True),
                        linger_seconds=0.0 if only_due else linger,
                    )
                except JobNotFound:
                    if asked == due:
                        raise
                    self._one_by_one = only_due = True  # one of the later ones: its turn will come
                    continue
                self._keep(answer)
                if (ended := self._find(jid)) is not None:
                    return ended
                only_due = only_due or bool(answer)  # the others can wait
                patience.check(due)

    def _keep(self, answer: list[Ended]) -> None:
        self._began = self._began or bool(answer)
        for ended in answer:
            insort(self._got, ended, key=_first_jid)
            if ended.outcomes.result is not None:
                self._held_bytes += len(ended.outcomes.result.data)
        self._missing = subtract(self._missing, normal(ended.jids for ended in answer))

    def _open(self, ended: Ended, jid: int) -> None:
        """Open the results from this one on, up to the first failed one, if none of them is large."""
        stop = min(self._window[0].stop, ended.jids.stop, jid + OPENED_AT_ONCE)
        if ended.outcomes.blobs or stop - jid < 2:
            return
        if (failed := first_failure(ended)) is not None:
            stop = min(stop, ended.jid + failed - ended.outcomes.lo)
        if stop <= jid or ended.outcomes.status_of(ended.outcomes.lo + jid - ended.jid) is not Status.DONE:
            return
        try:
            values = values_of(self._api(), ended, range(jid, stop), ignore_errors=False)
        except CloudException:
            return  # one cannot be opened: one by one tells which
        self._opened.extend(values)
        self._advance(stop - jid)

    def _open_one(self, ended: Ended, jid: int) -> Any:
        outcomes = ended.outcomes
        index = outcomes.lo + jid - ended.jid
        blob = None
        if (ref := outcomes.blobs.get(index)) is not None:
            blob = self._blobs.take(jid, ref)  # before the turn ends: if this fails it can be asked again
        self._advance(1)
        self._read_ahead()
        try:
            return value_of(self._api(), ended, index, blob)
        except CloudException as error:
            return self._failed(error)

    def _read_ahead(self) -> None:
        """Name the large results that are due next, as far as they are known."""
        soon: list[tuple[int, Any]] = []
        for part in self._window:
            for jid in part[:MOST_IN_PARALLEL]:
                ended = self._find(jid)
                if ended is None:
                    break
                if (ref := ended.outcomes.blobs.get(ended.outcomes.lo + jid - ended.jid)) is not None:
                    soon.append((jid, ref))
                    if len(soon) >= self._blobs.most:
                        break
            break
        self._blobs.want(soon)

    def _failed(self, error: CloudException) -> CloudException:
        if self._ignore_errors:
            return error
        raise noted(self._api(), error)


def _first_jid(ended: Ended) -> int:
    return ended.jid


def results_unordered(
    api: Callable[[], JobApi],
    where: str,
    jids: Ranges,
    timeout_seconds: float | None,
    *,
    ignore_errors: bool,
    meter: Pausing | None = None,
) -> Iterator[tuple[int, Any]]:
    """(jid, result) of each job as it finishes; failed ones are left out, or come with their exception."""
    missing = normal(jids)
    while missing:
        with Patience(api(), where, timeout_seconds, meter=meter) as patience:
            while not (
                answer := api().outcomes(missing, timeout_seconds=patience.step(missing), linger_seconds=LINGER_SECONDS)
            ):
                patience.check(missing)
        missing = subtract(missing, normal(ended.jids for ended in answer))
        for ended in answer:
            for jid in ended.jids:
                index = ended.outcomes.lo + jid - ended.jid
                if ended.outcomes.status_of(index) is Status.DONE:
                    try:
                        yield jid, value_of(api(), ended, index)
                    except CloudException as error:
                        if not ignore_errors:
                            raise
                        yield jid, error
                elif ignore_errors:
                    yield jid, error_of(ended, index)
    if meter is not None:
        meter.over()
