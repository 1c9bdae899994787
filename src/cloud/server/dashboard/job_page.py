"""The page of one job, and its outputs as plain text."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from cloud import errors
from cloud.server.dashboard import forms, one_job
from cloud.server.dashboard.desk import Desk
from cloud.server.dashboard.doorway import Doorway
from cloud.server.dashboard.visits import Visit
from cloud.server.json_answer import TextAnswer


class JobPage:
    """Shows everything there is to know of a job."""

    def __init__(self, desk: Desk, doorway: Doorway) -> None:
        self._desk = desk
        self._doorway = doorway

    def routes(self) -> list[Route]:
        """The page and its parts."""
        return [
            Route("/jobs/{jid}", self._doorway.visited(self._job), methods=["GET"]),
            Route("/jobs/{jid}/{stream}", self._doorway.visited(self._output), methods=["GET"]),
        ]

    async def _job(self, request: Request, visit: Visit) -> Response:
        jid, store = forms.jid_in(request), self._desk.store
        (job,) = await self._desk.info((range(jid, jid + 1),), visit, one_job.FIELDS)
        submission = self._desk.submission(jid, visit)
        index = jid - submission.jids.start
        sort = request.query_params.get("sort", "cumulative")
        attributes = job["attributes"]
        can_kill, can_delete = one_job.can_be(job["status"])
        return self._desk.page(
            request, "job.html", visit, here="jobs", jid=jid, job=job, attributes=attributes, sort=sort,
            can_kill=can_kill, can_delete=can_delete,
            outputs=[one_job.output_of(name, bytes(job[name] or b"")) for name in ("stdout", "stderr")],
            result=one_job.result_of(store, submission, index),
            dependencies=one_job.dependencies_of(store, visit.caller.account, attributes["depends_on"]),
            more_dependencies=max(0, len(attributes["depends_on"]) - one_job.MOST_DEPENDENCIES),
            neighbours=one_job.neighbours_of(store, submission, index),
            profile=one_job.profile_of(job["profile"], sort), columns=one_job.PROFILE_COLUMNS,
        )  # fmt: skip

    async def _output(self, request: Request, visit: Visit) -> Response:
        jid, stream = forms.jid_in(request), str(request.path_params["stream"])
        if stream not in ("stdout", "stderr"):
            raise errors.JobNotFound(f"a job has no {stream[:40]!r}; it has stdout and stderr")
        (job,) = await self._desk.info((range(jid, jid + 1),), visit, (stream,))
        return TextAnswer(bytes(job[stream] or b"").decode("utf-8", "replace"))
