"""`cloud.why` and `cloud.rerun`: what keeps jobs from running, and running finished ones once more."""

import uuid
from abc import ABC, abstractmethod
from collections.abc import Iterable
from typing import TYPE_CHECKING, cast, overload

from cloud.api import JobApi
from cloud.client.arguments import Jids, read_jids
from cloud.client.following import read_job
from cloud.client.jobs import Job, Jobs
from cloud.client.terse import terse

if TYPE_CHECKING:
    from cloud.client.session import Session


@terse
class Again(ABC):
    """This part of a `Session`."""

    kind: str
    where: str

    @property
    @abstractmethod
    def api(self) -> JobApi:
        """See `Session`."""

    def why(self, jid: int) -> str:
        """Why one job does not run yet: what it waits for, which jobs come before it, what has the slots. For a job
        that runs or is finished, since when or how it ended. A few sentences, for people.

        Raises:
            TypeError: that is not one jid.
            JobNotFound: it does not exist.
        """
        return self.api.why(read_job(jid, self.kind, f"{self.where}.why"))

    @overload
    def rerun(self, jids: int) -> Job: ...
    @overload
    def rerun(self, jids: Jobs) -> Jobs: ...
    @overload
    def rerun(self, jids: Iterable[int | range]) -> Jobs | list[Jobs]: ...
    def rerun(self, jids: Jids) -> Job | Jobs | list[Jobs]:
        """Run finished jobs once more, as new ones: with the same function, code, arguments and settings, but without
        dependencies and callbacks.

        Jobs of one call of `map` make one `Jobs`, in ascending order, each once; jobs of several make a list of `Jobs`.

        Raises:
            InvalidSubmission: one is not finished; none was run.
            JobNotFound: one does not exist.
        """
        ranges, single = read_jids(jids, self.kind)
        name = str(getattr(jids, "_name", ""))
        made = self.api.rerun(ranges, token=uuid.uuid4().hex) if ranges else ()
        session = cast("Session", self)
        if single:
            return Job(made[0].start, self.kind, name, session)
        if isinstance(jids, Jobs):  # of one map, but for those who make their own
            whole = range(made[0].start, made[-1].stop) if made else range(0)
            return Jobs(whole, self.kind, name, session)
        again = [Jobs(item, self.kind, name, session) for item in made]
        return again[0] if len(again) == 1 else again
