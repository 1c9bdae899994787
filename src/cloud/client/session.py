"""Session: everything a user can ask of one cloud, on any `JobApi`."""

import os
import threading
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any, overload

from cloud.api import JobApi
from cloud.client import waiting
from cloud.client.again import Again
from cloud.client.arguments import Jids, read_jids, read_timeout
from cloud.client.datalogs import open_datalog, settings
from cloud.client.info import Fields, read_fields, read_info
from cloud.client.inside import inside_channel
from cloud.client.iteration import ResultIterator, read_in_parallel, results_unordered
from cloud.client.jobs import Job, Jobs
from cloud.client.meter import meter_for, pausing
from cloud.client.naming import short_name
from cloud.client.opening import value_of
from cloud.client.packing import Packer
from cloud.client.patience import Patience
from cloud.client.reserved import take_reserved
from cloud.client.signature import check_arguments, check_items, not_callable
from cloud.client.submission import Submitter, check_sequences
from cloud.client.terse import terse_iterator, tersely
from cloud.client.watching import Watching
from cloud.model import Ranges, Status

if TYPE_CHECKING:
    from cloud.client.asynchronous import Asynchronous
    from cloud.client.callbacks import Watcher

_WORDS = [status.word for status in Status]


class Session(Again, Watching):
    """One cloud. Opens at first use, re-opens after `close()`; safe to use from several threads and after a fork.

    Args:
        open_api: makes the connection, or starts the cloud in this process.
        kind: '' for `cloud` itself, 'mp' for `cloud.mp`; handles carry it.
        where: how users call it, for messages: 'cloud', 'cloud.mp'.
        about: what `connection_info` says besides `opened`; it is given the api, None while closed.
        local: whether `_env` and `_vol` mean nothing here and are ignored (SPEC B.8).
    """

    def __init__(
        self,
        open_api: Callable[[], JobApi],
        kind: str = "",
        *,
        where: str = "cloud",
        about: Callable[[JobApi | None], dict[str, Any]] = lambda _: {},
        local: bool = False,
    ) -> None:
        self.kind = kind
        self.where = where
        self._open_api = open_api
        self._about = about
        self._local = local
        self._forget()

    def _forget(self) -> None:
        """Start afresh; in a child process, what belongs to the parent is left alone."""
        self._pid = os.getpid()
        self._lock = threading.Lock()
        self._api: JobApi | None = None
        self._submitter: Submitter | None = None
        self._watcher: Watcher | None = None

    @property
    def api(self) -> JobApi:
        """The open connection.

        Raises:
            CloudException: it cannot be opened.
        """
        if self._pid != os.getpid():
            self._forget()
        if self._api is None:
            with self._lock:
                if self._api is None:
                    api = self._open_api()
                    told = settings(self.kind)
                    packer = Packer(told, open_datalog(self.kind, told))
                    self._submitter = Submitter(
                        api, self.where, lambda: _parent_jid(api), packer, results_here=bool(self.kind)
                    )
                    self._api = api
        return self._api

    def bound(self) -> "Session":
        """This session on the connection that it has now, for good: what belongs to jobs of one opening asks there, and
        opens nothing when this session was closed."""
        while True:  # another thread may close in between
            watcher, submitter, api = self.watcher, self._submit, self.api
            with self._lock:
                if self._api is api and self._watcher is watcher:
                    break
        bound = Session(lambda: api, self.kind, where=self.where, about=self._about, local=self._local)
        bound._api, bound._submitter, bound._watcher = api, submitter, watcher
        return bound

    # --- submitting

    @tersely
    def call(self, function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Job:
        """Make a job that runs `function(*args, **kwargs)`; return its `Job`, an integer with methods, at once.

        The job is stored by then, and its result is until it is deleted: `cloud.result(job)`.

        Raises:
            TypeError, ValueError: the function, its arguments or a reserved keyword are wrong; nothing was created.
            CannotPickle: the function or an argument cannot travel; nothing was created.
            CloudException: the server refused, or cannot be reached.
        """
        where = f"{self.where}.call"
        if not callable(function):
            raise TypeError(not_callable(function, where))
        told = take_reserved(kwargs, where, kind=self.kind, local=self._local)
        check_arguments(function, args, kwargs)
        jid = self._submit.call(function, args, kwargs, told)
        job = Job(jid, self.kind, short_name(function), self)
        if told.callbacks or told.callbacks_on_error:
            self.watcher.call_back((range(jid, jid + 1),), told.callbacks, told.callbacks_on_error, lambda _: job)
        return job

    @tersely
    def map(self, function: Callable[..., Any], /, *sequences: Iterable[Any], **reserved: Any) -> Jobs:
        """Make a job for each item, or for each tuple of items of several sequences, as Python's `map` does; return
        their `Jobs`, consecutive jids, at once.

        Sequences may be generators of any length; shorter ones are filled up with None. For a list of tuples:
        `cloud.map(f, *zip(*tuples))`. Callbacks are called for each job.

        Raises:
            TypeError, ValueError: the function, a sequence or a keyword is wrong; nothing was created.
            CannotPickle: the function or an item cannot travel; nothing was created.
            CloudException: the server refused, or cannot be reached.
            Exception: whatever a sequence raises; nothing was created.
        """
        return self._map(function, sequences, reserved, check=True)

    @tersely
    def map_unchecked(self, function: Callable[..., Any], /, *sequences: Iterable[Any], **reserved: Any) -> Jobs:
        """As `map`; whether the function takes so many arguments shows when the jobs run, as pools promise."""
        return self._map(function, sequences, reserved, check=False)

    def _map(
        self,
        function: Callable[..., Any],
        sequences: tuple[Iterable[Any], ...],
        reserved: dict[str, Any],
        *,
        check: bool,
    ) -> Jobs:
        where = f"{self.where}.map"
        if not callable(function):
            raise TypeError(not_callable(function, where))
        told = take_reserved(reserved, where, kind=self.kind, local=self._local)
        if reserved:
            raise ValueError(
                f"cannot pass keyword arguments into {where}: {', '.join(map(str, reserved))}; "
                f"use a lambda or functools.partial to set arguments that all jobs share"
            )
        check_sequences(sequences, where)
        if check:
            check_items(function, len(sequences))
        jids = self._submit.map(function, sequences, told)
        jobs = Jobs(jids, self.kind, short_name(function), self)
        if jids and (told.callbacks or told.callbacks_on_error):
            self.watcher.call_back((jids,), told.callbacks, told.callbacks_on_error, jobs.of_jid)
        return jobs

    @property
    def _submit(self) -> Submitter:
        while True:  # another thread may close in between
            self.api  # noqa: B018 (opens)
            if (submitter := self._submitter) is not None:
                return submitter

    # --- waiting

    @tersely
    def join(
        self,
        jids: Jids,
        timeout: float | None = None,
        ignore_errors: bool = False,
        deadlock_check: bool = True,
        *,
        progress: bool | None = None,
    ) -> None:
        """Wait until all jobs are finished. `progress`: whether to show how far they are, on a terminal or in a
        notebook; None: as `cloud.config.progress` says.

        Raises:
            JobError: one failed; raised at once, though others still run. Not with `ignore_errors`.
            CloudTimeoutError: the time (seconds; None or 0: no limit) is over; `jid` lists the unfinished.
            JobNotFound: one does not exist.
        """
        where = f"{self.where}.join"
        ranges, _ = read_jids(jids, self.kind)
        seconds = read_timeout(timeout, where)
        if ranges:
            meter = meter_for(lambda: self.api, ranges, jids, progress)
            patience = Patience(self.api, where, seconds, deadlock_check=deadlock_check, meter=meter)
            waiting.join(self.api, ranges, patience, ignore_errors=ignore_errors)

    @tersely
    def result(
        self,
        jids: Jids,
        timeout: float | None = None,
        ignore_errors: bool = False,
        deadlock_check: bool = True,
        *,
        progress: bool | None = None,
    ) -> Any:
        """What the jobs returned: one value for a single jid, else a list in the order given.

        With `ignore_errors`, a failed job's place holds its `CloudException`. Each call gives fresh copies.
        `progress` and errors as for `join`; also `CloudException` for a result that cannot be opened here.
        """
        where = f"{self.where}.result"
        ranges, single = read_jids(jids, self.kind)
        seconds = read_timeout(timeout, where)
        if not ranges:
            return []
        api = self.api
        meter = meter_for(lambda: api, ranges, jids, progress)
        patience = Patience(api, where, seconds, deadlock_check=deadlock_check, meter=meter)
        got = waiting.gather(api, ranges, patience, ignore_errors=ignore_errors)
        if single and not ignore_errors:
            return value_of(api, got[0], got[0].outcomes.lo)
        values = waiting.values(api, ranges, got, ignore_errors=ignore_errors)
        return values[0] if single else values

    def iresult(
        self,
        jids: Jids,
        timeout: float | None = None,
        num_in_parallel: int = 4,
        ignore_errors: bool = False,
        *,
        progress: bool | None = None,
    ) -> ResultIterator:
        """Results in the order of the jids, as they become available.

        Args:
            timeout: seconds to wait for each next result; None or 0: no limit. `next(timeout)` overrides it.
            num_in_parallel: how many large results (above 32 KiB) may be fetched ahead; 0: the most, 1024.
            ignore_errors: yield a failed job's `CloudException` instead of raising it.
            progress: as for `join`.
        """
        where = f"{self.where}.iresult"
        ranges, _ = read_jids(jids, self.kind)
        return ResultIterator(
            lambda: self.api,
            where,
            ranges,
            read_timeout(timeout, where),
            read_in_parallel(num_in_parallel, where),
            ignore_errors=ignore_errors,
            meter=pausing(meter_for(lambda: self.api, ranges, jids, progress)),
        )

    def iresult_unordered(
        self, jids: Jids, timeout: float | None = None, ignore_errors: bool = False, *, progress: bool | None = None
    ) -> Iterator[tuple[Job, Any]]:
        """(job, result) of each job as it finishes. Failed jobs are left out; with `ignore_errors`, they come with
        their `CloudException`. `progress` as for `join`."""
        where = f"{self.where}.iresult_unordered"
        ranges, _ = read_jids(jids, self.kind)
        seconds = read_timeout(timeout, where)
        meter = pausing(meter_for(lambda: self.api, ranges, jids, progress))
        pairs = results_unordered(lambda: self.api, where, ranges, seconds, ignore_errors=ignore_errors, meter=meter)
        return terse_iterator((Job(jid, self.kind, "", self), value) for jid, value in pairs)

    @property
    def asynchronous(self) -> "Asynchronous":
        """The same for event loops."""
        from cloud.client.asynchronous import Asynchronous

        return Asynchronous(lambda: self)

    @property
    def opened(self) -> bool:
        """Whether there is a connection, so that to ask opens nothing."""
        return self._api is not None and self._pid == os.getpid()

    @property
    def watches(self) -> bool:
        """Whether there is a watcher already, and nothing need be opened for it."""
        return self._watcher is not None and self._pid == os.getpid()

    @property
    def watcher(self) -> "Watcher":
        """Calls back when jobs finish, from a thread of its own."""
        api = self.api
        with self._lock:
            if self._watcher is None:
                from cloud.client.callbacks import Watcher

                self._watcher = Watcher(api)
            return self._watcher

    # --- looking

    @overload
    def status(self, jids: int) -> str: ...
    @overload
    def status(self, jids: Iterable[int | range]) -> list[str]: ...
    @tersely
    def status(self, jids: Jids) -> str | list[str]:
        """'waiting', 'queued', 'processing', 'done', 'error', 'killed' or 'stalled', for each job.

        Raises:
            JobNotFound: one does not exist.
        """
        ranges, single = read_jids(jids, self.kind)
        if not ranges:
            return []
        codes = self.api.status(ranges)
        return _WORDS[codes[0]] if single else [_WORDS[code] for code in codes]

    @tersely
    def info(self, jids: Jids, info_requested: Fields = None) -> dict[int, dict[str, Any]]:
        """A dict of dicts, keyed by jid, of what was requested: 'stdout', 'runtime', 'all', ...

        Raises:
            TypeError: something requested is not a string.
            ValueError: there is no such field.
            JobNotFound: one does not exist.
        """
        fields = read_fields(info_requested, f"{self.where}.info")
        ranges, _ = read_jids(jids, self.kind)
        return read_info(self.api, ranges, fields) if ranges else {}

    # --- ending

    @tersely
    def kill(self, jids: Jids | None = None, *, force: bool = False) -> None:
        """Kill jobs; None means every unfinished job of the account. Finished jobs stay as they are.

        A job gets `KilledException` and half a second to clean up; with `force`, no time at all.
        """
        ranges: Ranges | None = None
        if jids is not None:
            ranges, _ = read_jids(jids, self.kind)
            if not ranges:
                return
        self.api.kill(ranges, force=force)

    @tersely
    def delete(self, jids: Jids) -> None:
        """Forget finished jobs with everything that is known of them.

        Raises:
            InvalidSubmission: one is not finished; nothing was deleted.
        """
        ranges, _ = read_jids(jids, self.kind)
        if ranges:
            self.api.delete(ranges)

    def connection_info(self) -> dict[str, Any]:
        """'opened', 'connection_type', 'server_url', 'api_key', and what else there is to say. Opens nothing."""
        api = self._api if self._pid == os.getpid() else None
        return {"opened": api is not None, **self._about(api)}

    def close(self) -> bool:
        """Let go of connections, threads and local workers; True if something was open. The next use opens again."""
        if self._pid != os.getpid():
            self._forget()
        with self._lock:
            api, watcher = self._api, self._watcher
            self._api = self._submitter = self._watcher = None
        if watcher is not None:
            watcher.close()
        if api is None:
            return False
        api.close()
        return True


def _parent_jid(api: JobApi) -> int | None:
    """The job that this code runs in, if that job is of the same cloud."""
    channel = inside_channel()
    return channel.jid if channel is not None and getattr(api, "inside", False) else None
