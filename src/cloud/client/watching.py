"""The part of a session that watches single jobs while they run: their output, their stack."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import Literal, overload

from cloud.api import JobApi
from cloud.client.following import check_stream, follow_output, read_job, read_output
from cloud.client.terse import terse, terse_iterator


@terse
class Watching(ABC):
    """See `Session`."""

    kind: str
    where: str

    @property
    @abstractmethod
    def api(self) -> JobApi:
        """The open connection."""

    @overload
    def output(self, jid: int, stream: str = "stdout", *, follow: Literal[False] = False) -> str: ...
    @overload
    def output(self, jid: int, stream: str = "stdout", *, follow: Literal[True]) -> Iterator[str]: ...
    def output(self, jid: int, stream: str = "stdout", *, follow: bool = False) -> str | Iterator[str]:
        """What one job wrote to 'stdout', 'stderr' or 'logging': the text that is kept of it now, the last 1,000 lines.

        With `follow`, an iterator over pieces of text, live, from the first that is kept until the job is finished.
        Giving it up, also with Ctrl-C, leaves the job alone. Where a job writes faster than it is followed, and when it
        is tried again, a line in brackets says so.

        Raises:
            TypeError, ValueError: that is not one jid, or there is no such stream.
            JobNotFound: it does not exist.
        """
        where = f"{self.where}.output"
        number = read_job(jid, self.kind, where)
        check_stream(stream, where)
        if follow:
            return terse_iterator(follow_output(lambda: self.api, where, number, stream))
        return read_output(self.api, number, stream)

    def stack(self, jid: int) -> str:
        """Where one running job is now: the stacks of all threads of its process, each with the innermost call last.
        The job is not disturbed, whether it computes, sleeps or hangs in C code. Processes that it started are not
        shown.

        Raises:
            TypeError: that is not one jid.
            JobNotRunning: it does not run, or keeps its stack from being seen.
            JobNotFound: it does not exist.
        """
        return self.api.stack(read_job(jid, self.kind, f"{self.where}.stack"))
