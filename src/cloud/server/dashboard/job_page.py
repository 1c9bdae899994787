"""The page of one job, and its outputs and profile as files."""

import time
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from cloud import errors
from cloud.api import STREAMS
from cloud.model import Submission
from cloud.server.dashboard import forms, one_job
from cloud.server.dashboard.desk import Desk
from cloud.server.dashboard.doorway import Doorway
from cloud.server.dashboard.failure import Failure, read_failure
from cloud.server.dashboard.flame import frames_of
from cloud.server.dashboard.profile import Profile, read_profile
from cloud.server.dashboard.profile_files import to_pstats, to_speedscope
from cloud.server.dashboard.rendering import HEADERS
from cloud.server.dashboard.sources import add_sources
from cloud.server.dashboard.visits import Visit
from cloud.server.json_answer import TextAnswer
from cloud.wire import calls as wire_calls
from cloud.wire.values import ranges_from_json

_TEXTS = (*STREAMS, "exception")
_PLURAL = "it has stdout, stderr, logging and exception"
_TABLE_ROWS = 200
"""The most functions of a profile that its table shows."""
_FRAME_PIXELS = 20


class JobPage:
    """Shows everything there is to know of a job."""

    def __init__(self, desk: Desk, doorway: Doorway) -> None:
        self._desk = desk
        self._doorway = doorway

    def routes(self) -> list[Route]:
        """The page and its parts."""
        visited = self._doorway.visited
        return [
            Route("/jobs/{jid}", visited(self._job), methods=["GET"]),
            Route("/jobs/{jid}/stack", visited(self._stack), methods=["GET"]),
            Route("/jobs/{jid}/profile/{name}", visited(self._profile), methods=["GET"]),
            Route("/jobs/{jid}/{stream}", visited(self._output), methods=["GET"]),
            Route("/jobs/{jid}/{stream}/download", visited(self._download), methods=["GET"]),
        ]

    async def _job(self, request: Request, visit: Visit) -> Response:
        jid = forms.jid_in(request)
        (job,) = await self._desk.info((range(jid, jid + 1),), visit, one_job.FIELDS)
        submission = self._desk.submission(jid, visit)
        can_kill, can_delete = one_job.can_be(job["status"])
        return self._desk.page(
            request, "job.html", visit, here="jobs", jid=jid, job=job, attributes=job["attributes"],
            can_kill=can_kill, can_delete=can_delete,
            map_page=f"maps/{submission.jids.start}" if submission.count > 1 else "",
            place=one_job.place_of(job["function"]),
            since_created=max(0.0, time.time() - job["created"]),
            why=await self._why(jid, job["status"], visit),
            failure=self._failure(job),
            outputs=[one_job.output_of(name, _bytes(job[name])) for name in STREAMS],
            **one_job.used(job),
            **self._around(submission, jid - submission.jids.start, job, visit),
            **await self._dependents(jid, visit),
            **_of_profile(read_profile(job["profile"]), request.query_params.get("sort", "cumulative")),
        )  # fmt: skip

    def _failure(self, job: dict[str, Any]) -> Failure | None:
        if not job["exception"]:
            return None
        failure = read_failure(job["exception"])
        if job["code_version"]:
            blobs = self._desk.core.blobs  # for far ones nobody waits here
            add_sources(failure, self._desk.store.code(job["code_version"]), None if blobs.far else blobs.read)
        return failure

    def _around(self, submission: Submission, index: int, job: dict[str, Any], visit: Visit) -> dict[str, Any]:
        store, depends_on = self._desk.store, job["attributes"]["depends_on"]
        return {
            "result": one_job.result_of(store, submission, index),
            "neighbours": one_job.neighbours_of(store, submission, index),
            "dependencies": one_job.dependencies_of(store, visit.caller.account, depends_on),
            "more_dependencies": max(0, len(depends_on) - one_job.MOST_DEPENDENCIES),
        }

    async def _dependents(self, jid: int, visit: Visit) -> dict[str, Any]:
        header, _ = await self._desk.ask(wire_calls.ask("dependents", None, jid=jid), visit)
        ranges = [[found.start, found.stop] for found in ranges_from_json(wire_calls.answer_of(header))]
        return {
            "dependents": one_job.dependencies_of(self._desk.store, visit.caller.account, ranges),
            "more_dependents": max(0, len(ranges) - one_job.MOST_DEPENDENCIES),
        }

    async def _why(self, jid: int, status: str, visit: Visit) -> str:
        """Why it does not run yet; '' if it does or did."""
        if status not in ("waiting", "queued"):
            return ""
        header, _ = await self._desk.ask(wire_calls.ask("why", None, jid=jid), visit)
        return str(wire_calls.answer_of(header))

    async def _stack(self, request: Request, visit: Visit) -> Response:
        try:
            header, _ = await self._desk.ask(wire_calls.ask("stack", None, jid=forms.jid_in(request)), visit)
        except errors.JobNotRunning as error:
            return TextAnswer(str(error), error.http_status)
        return TextAnswer(str(wire_calls.answer_of(header)))

    async def _output(self, request: Request, visit: Visit) -> Response:
        _, written = await self._written(request, visit)
        return TextAnswer(written.decode("utf-8", "replace"))

    async def _download(self, request: Request, visit: Visit) -> Response:
        name, written = await self._written(request, visit)
        return _file(written, f"job-{forms.jid_in(request)}-{name}.txt")

    async def _written(self, request: Request, visit: Visit) -> tuple[str, bytes]:
        jid, stream = forms.jid_in(request), str(request.path_params["stream"])
        if stream not in _TEXTS:
            raise errors.JobNotFound(f"a job has no {stream[:40]!r}; {_PLURAL}")
        (job,) = await self._desk.info((range(jid, jid + 1),), visit, (stream,))
        return stream, _bytes(job[stream])

    async def _profile(self, request: Request, visit: Visit) -> Response:
        jid, name = forms.jid_in(request), str(request.path_params["name"])
        (job,) = await self._desk.info((range(jid, jid + 1),), visit, ("profile", "function"))
        profile = read_profile(job["profile"])
        if profile is None:
            raise errors.JobNotFound(f"job {jid} has no profile; give it _profile=True")
        if name.endswith(".pstats"):
            return _file(to_pstats(profile), f"job-{jid}.pstats")
        if name.endswith(".speedscope.json"):
            called = job["function"].partition(" at ")[0]
            return _file(to_speedscope(profile, f"job {jid}, {called}"), f"job-{jid}.speedscope.json")
        raise errors.JobNotFound(f"a profile is .pstats or .speedscope.json, not {name[:40]!r}")


def _of_profile(profile: Profile | None, sort: str) -> dict[str, Any]:
    if profile is None:
        return {"profile": None, "sort": sort}
    frames = frames_of(profile) if profile.edges else []
    timed = profile.sorted_by(sort)
    depth = 1 + max((frame.depth for frame in frames), default=0)
    return {
        "profile": profile,
        "sort": sort,
        "timed": timed[:_TABLE_ROWS],
        "timed_left_out": len(timed) - len(timed[:_TABLE_ROWS]) + profile.left_out,
        "frames": frames,
        "flame_seconds": sum(frame.seconds for frame in frames if frame.parent is None),
        "flame_depth": depth,
        "flame_height": depth * _FRAME_PIXELS,
    }


def _bytes(written: Any) -> bytes:
    if isinstance(written, str):
        return written.encode("utf-8", "replace")
    return bytes(written) if isinstance(written, (bytes, bytearray, memoryview)) else b""


def _file(data: bytes, name: str) -> Response:
    headers = {**HEADERS, "content-disposition": f'attachment; filename="{name}"', "cache-control": "no-store"}
    return Response(data, media_type="application/octet-stream", headers=headers)
