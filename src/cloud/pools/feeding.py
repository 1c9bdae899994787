"""Jobs of an iterable that may be slow, long or endless: taken from it and submitted while results are read.

One thread takes items, a second submits whatever has come, so that a slow iterable holds nothing up and a quick one is
submitted in large parts. Both end with the iterable, or when nobody reads any more.
"""

import threading
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from cloud.client.jobs import Jobs
from cloud.pickling import CannotPickle
from cloud.pools.failures import unpicklable

AHEAD_JOBS = 65_536
"""How many jobs are submitted before their results are read; more wait in the iterable."""
BATCH_JOBS = 4096
_COMES_QUICKLY = (list, tuple, range, set, frozenset, dict)


class Feed:
    """The jobs, in batches that appear one after another.

    Args:
        submit: makes jobs of items.
        items: where they come from.
        chunksize: items are submitted in multiples of it; of a multiple that the iterable fails to complete, none.
    """

    def __init__(self, submit: Callable[[Sequence[Any]], Jobs], items: Iterable[Any], chunksize: int) -> None:
        self._submit = submit
        self._chunksize = chunksize
        self._changed = threading.Condition()
        self._taken: list[Any] = []
        self._all_taken = False
        self._failure: BaseException | None = None
        self._batches: list[Jobs] = []
        self._open = True
        self._ahead = 0
        self._ahead_most: int | None = AHEAD_JOBS
        if isinstance(items, _COMES_QUICKLY):
            self._take_at_once(items)
        else:
            threading.Thread(target=self._take, args=(iter(items),), name="cloud-feed", daemon=True).start()
            threading.Thread(target=self._pass_on, name="cloud-feed", daemon=True).start()

    # --- for who reads

    def batch(self, number: int, timeout: float | None) -> Jobs | None:
        """That batch; None if it is not there within so many seconds (None: without limit).

        Raises:
            StopIteration: there are no more.
            BaseException: what the iterable, or submitting, raised behind the last batch.
        """
        with self._changed:
            self._changed.wait_for(lambda: len(self._batches) > number or not self._open, timeout)
            if len(self._batches) > number:
                return self._batches[number]
            if self._open:
                return None
            if self._failure is None:
                raise StopIteration
            raise self._failure

    @property
    def is_open(self) -> bool:
        """Whether more batches may come."""
        with self._changed:
            return self._open

    def read(self, number: int) -> None:
        """So many results were read: as many jobs may follow."""
        with self._changed:
            self._ahead -= number
            self._changed.notify_all()

    def lift(self) -> None:
        """Submit all the rest, whether results are read or not."""
        with self._changed:
            self._ahead_most = None
            self._changed.notify_all()

    def wait(self) -> None:
        """Until everything is submitted."""
        with self._changed:
            self._changed.wait_for(lambda: not self._open)

    def stop(self) -> None:
        """Take and submit no more."""
        with self._changed:
            self._open = False
            self._changed.notify_all()

    # --- the threads

    def _take_at_once(self, items: Iterable[Any]) -> None:
        try:
            if found := list(items):
                self._batches.append(self._submitted(found))
        except Exception as error:
            self._failure = error
        self._open = False

    def _take(self, items: Any) -> None:
        failure: BaseException | None = None
        try:
            for item in items:
                with self._changed:
                    self._taken.append(item)
                    self._ahead += 1
                    del item
                    self._changed.notify_all()
                    self._changed.wait_for(self._has_room)
                    if not self._open:
                        return
        except BaseException as error:
            failure = error
        with self._changed:
            if failure is not None:
                self._failure = failure
                del self._taken[len(self._taken) - len(self._taken) % self._chunksize :]
            self._all_taken = True
            self._changed.notify_all()

    def _has_room(self) -> bool:
        return self._ahead_most is None or self._ahead < self._ahead_most or not self._open

    def _pass_on(self) -> None:
        try:
            while batch := self._next_batch():
                jobs = self._submitted(batch)
                with self._changed:
                    self._batches.append(jobs)
                    self._changed.notify_all()
        except BaseException as error:
            with self._changed:
                self._failure = error
        self.stop()

    def _submitted(self, batch: Sequence[Any]) -> Jobs:
        try:
            return self._submit(batch)
        except CannotPickle as refusal:
            raise unpicklable(refusal) from refusal

    def _next_batch(self) -> list[Any]:
        """What has been taken, in whole chunks; nothing when that was all."""
        with self._changed:
            self._changed.wait_for(lambda: len(self._taken) >= self._chunksize or self._all_taken or not self._open)
            if not self._open:
                return []
            number = min(len(self._taken), max(BATCH_JOBS // self._chunksize, 1) * self._chunksize)
            if not self._all_taken:
                number -= number % self._chunksize
            batch = self._taken[:number]
            del self._taken[:number]
            return batch
