"""The dashboard's addresses: signing in and out, the Jobs page, the Job page, and what their buttons do."""

from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from cloud import errors
from cloud.dispatch.ports import Store
from cloud.model import Ranges, Status, Stretch, Submission
from cloud.model.ranges import normal
from cloud.server.answers import error_object
from cloud.server.calls import Calls
from cloud.server.dashboard import forms, one_job
from cloud.server.dashboard.listing import counts_of, list_submissions
from cloud.server.dashboard.rendering import DashboardPage, render
from cloud.server.dashboard.static_files import serve_static
from cloud.server.dashboard.visits import LINK_SECONDS, VISIT_SECONDS, Visit, Visits
from cloud.server.gate import Gate
from cloud.server.json_answer import JsonAnswer, TextAnswer
from cloud.wire import calls as wire_calls
from cloud.wire.message import decode

Endpoint = Callable[[Request], Awaitable[Response]]
Answer = Callable[[Request, Visit], Awaitable[Response]]
_WORDS = [status.word for status in Status if status is not Status.DELETED]


class Dashboard:
    """Pages for whoever signed in with a key: the jobs of the key's account."""

    def __init__(self, asked: Calls, gate: Gate, store: Store, about: "tuple[str, str]") -> None:
        """
        Args:
            about: the server's id and version.
        """
        self._asked = asked
        self._gate = gate
        self._store = store
        self._server_id, self._version = about
        self._cookie = f"picloud_{self._server_id[:16]}"  # cookies know no ports: each server has its own
        self._visits = Visits(store, gate.keys)

    def routes(self) -> list[Route]:
        """All of them."""
        return [
            Route("/", self._open(self._front), methods=["GET"]),
            Route("/sign-in", self._open(self._sign_in_form), methods=["GET"]),
            Route("/sign-in", self._open(self._sign_in), methods=["POST"]),
            Route("/sign-in/{token}", self._open(self._by_link), methods=["GET"]),
            Route("/sign-out", self._visited(self._sign_out), methods=["POST"]),
            Route("/jobs", self._visited(self._jobs), methods=["GET"]),
            Route("/jobs/{jid}", self._visited(self._job), methods=["GET"]),
            Route("/jobs/{jid}/kill", self._visited(self._kill), methods=["POST"]),
            Route("/jobs/{jid}/delete", self._visited(self._delete), methods=["POST"]),
            Route("/jobs/{jid}/{stream}", self._visited(self._output), methods=["GET"]),
            Route("/static/{name}", self._open(serve_static), methods=["GET"]),
            Route("/v1/dashboard-links", self._link, methods=["POST"]),
        ]

    # --- who comes in

    def _open(self, answer: Endpoint) -> Endpoint:
        async def endpoint(request: Request) -> Response:
            try:
                return await answer(request)
            except errors.CloudException as error:
                return self._failed(request, error)

        return endpoint

    def _visited(self, answer: Answer) -> Endpoint:
        async def endpoint(request: Request) -> Response:
            visit = self._visit(request)
            if visit is None:
                wanted = request.url.path.lstrip("/") + (f"?{request.url.query}" if request.url.query else "")
                back = urlencode({"next": wanted}) if request.method == "GET" else ""
                return RedirectResponse(forms.upwards(request, f"sign-in?{back}".rstrip("?")), 303)
            try:
                return await answer(request, visit)
            except errors.CloudException as error:
                return self._failed(request, error, visit)

        return endpoint

    def _visit(self, request: Request) -> Visit | None:
        return self._visits.read(request.cookies.get(self._cookie, ""))

    async def _front(self, request: Request) -> Response:
        if self._visit(request) is not None:
            return RedirectResponse("jobs", 303)
        return await self._sign_in_form(request)

    async def _sign_in_form(self, request: Request) -> Response:
        return self._page(request, "sign_in.html", None, error="", next=request.query_params.get("next", ""))

    async def _sign_in(self, request: Request) -> Response:
        form = await forms.read_form(request)
        try:
            cookie = self._visits.by_key(form.get("key", "").strip(), form.get("secret", "").strip())
        except errors.NotAuthorised as error:
            shown = {"error": error.parameter, "next": form.get("next", "")}
            return self._page(request, "sign_in.html", None, status=401, **shown)
        return self._signed_in(request, cookie, forms.ours(form.get("next", "")))

    async def _by_link(self, request: Request) -> Response:
        if request.method == "HEAD":  # whoever only looks where a link leads must not use it up
            return Response(status_code=204)
        try:
            cookie = self._visits.by_link(str(request.path_params["token"]))
        except errors.NotAuthorised as error:
            if self._visit(request) is not None:
                return RedirectResponse(forms.upwards(request, "jobs"), 303)
            shown = f"{error.parameter}. {error.hint}"
            return self._page(request, "sign_in.html", None, status=401, error=shown, next="")
        return self._signed_in(request, cookie, "jobs")

    def _signed_in(self, request: Request, cookie: str, then: str) -> Response:
        answer = RedirectResponse(forms.upwards(request, then), 303)
        secure = request.url.scheme == "https"
        answer.set_cookie(
            self._cookie, cookie, max_age=VISIT_SECONDS, httponly=True, samesite="lax", secure=secure, path="/"
        )
        return answer

    async def _sign_out(self, request: Request, visit: Visit) -> Response:
        forms.check_token(await forms.read_form(request), visit)
        answer = RedirectResponse("sign-in", 303)
        answer.delete_cookie(self._cookie, path="/")
        return answer

    async def _link(self, request: Request) -> Response:
        """JSON, for `picloud dashboard`: a link that signs in, once, whoever shows a key here."""
        try:
            caller = self._gate.admit(dict(request.headers.raw))
            if caller.key is None:
                raise errors.NotAuthorised("a job cannot sign in", hint="do it in a program that has a key")
        except errors.CloudException as error:
            return JsonAnswer(error_object(error), error.http_status)
        return JsonAnswer({"path": f"/sign-in/{self._visits.link(caller.key)}", "seconds": LINK_SECONDS})

    # --- pages

    async def _jobs(self, request: Request, visit: Visit) -> Response:
        wanted = forms.wanted_in(request)
        page = await list_submissions(self._store, visit.caller.account, wanted)
        asked = [(name, value) for name, value in request.query_params.multi_items() if name != "before" and value]
        return self._page(
            request, "jobs.html", visit, page=page, wanted=wanted, statuses=_WORDS,
            older=urlencode([*asked, ("before", page.before)]), newest=urlencode(asked),
            here="jobs" + (f"?{request.url.query}" if request.url.query else ""),
        )  # fmt: skip

    async def _job(self, request: Request, visit: Visit) -> Response:
        jid = forms.jid_in(request)
        (job,) = await self._info((range(jid, jid + 1),), visit)
        submission = self._submission(jid, visit)
        index = jid - submission.jids.start
        sort = request.query_params.get("sort", "cumulative")
        attributes = job["attributes"]
        can_kill, can_delete = one_job.can_be(job["status"])
        return self._page(
            request, "job.html", visit, jid=jid, job=job, attributes=attributes, sort=sort,
            can_kill=can_kill, can_delete=can_delete,
            outputs=[one_job.output_of(name, bytes(job[name] or b"")) for name in ("stdout", "stderr")],
            result=one_job.result_of(self._store, submission, index),
            dependencies=one_job.dependencies_of(self._store, visit.caller.account, attributes["depends_on"]),
            more_dependencies=max(0, len(attributes["depends_on"]) - one_job.MOST_DEPENDENCIES),
            neighbours=one_job.neighbours_of(self._store, submission, index),
            profile=one_job.profile_of(job["profile"], sort), columns=one_job.PROFILE_COLUMNS,
        )  # fmt: skip

    async def _output(self, request: Request, visit: Visit) -> Response:
        jid, stream = forms.jid_in(request), str(request.path_params["stream"])
        if stream not in ("stdout", "stderr"):
            raise errors.JobNotFound(f"a job has no {stream[:40]!r}; it has stdout and stderr")
        (job,) = await self._info((range(jid, jid + 1),), visit, (stream,))
        return TextAnswer(bytes(job[stream] or b"").decode("utf-8", "replace"))

    # --- changes

    async def _kill(self, request: Request, visit: Visit) -> Response:
        form = await forms.read_form(request)
        forms.check_token(form, visit)
        jids = self._meant(forms.jid_in(request), form, visit)
        await self._ask(wire_calls.ask("kill", jids, force="force" in form), visit)
        return RedirectResponse(forms.upwards(request, forms.ours(form.get("back", ""))), 303)

    async def _delete(self, request: Request, visit: Visit) -> Response:
        form = await forms.read_form(request)
        forms.check_token(form, visit)
        jids = self._meant(forms.jid_in(request), form, visit)
        await self._ask(wire_calls.ask("delete", jids), visit)
        return RedirectResponse(forms.upwards(request, forms.ours(form.get("back", ""))), 303)

    def _meant(self, jid: int, form: dict[str, str], visit: Visit) -> Ranges:
        """One job, or, if the form says 'whole', all jobs of its submission that were not deleted."""
        if "whole" not in form:
            return (range(jid, jid + 1),)
        submission = self._submission(jid, visit)
        jids, stretch = submission.jids, Stretch(submission.sid, 0, submission.count)
        if sum(counts_of(self._store, stretch).values()) == submission.count:
            return (jids,)
        held: list[Any] = [*self._store.pending(stretch), *self._store.claims(stretch)]
        held += self._store.outcomes(stretch)
        return normal(_range_of(jids.start, item) for item in held)

    # --- inside

    def _submission(self, jid: int, visit: Visit) -> Submission:
        for submission in self._store.at_jids(range(jid, jid + 1)):
            if submission.account == visit.caller.account:
                return submission
        raise errors.JobNotFound("there is no such job: it never was, was deleted, or is another account's", jid=jid)

    async def _info(self, jids: Ranges, visit: Visit, fields: tuple[str, ...] = one_job.FIELDS) -> list[dict[str, Any]]:
        header, frames = await self._ask(wire_calls.ask("info", jids, fields=list(fields)), visit)
        return wire_calls.read_infos(header, frames)

    async def _ask(self, parts: wire_calls.Parts, visit: Visit) -> tuple[dict[str, Any], list[memoryview]]:
        answer = await self._asked.ask(b"".join(parts), visit.caller)
        assert answer is not None
        header, frames = decode(b"".join(answer))
        wire_calls.answer_of(header)  # raises what the core raised
        return header, frames

    def _failed(self, request: Request, error: errors.CloudException, visit: Visit | None = None) -> Response:
        return self._page(request, "error.html", visit, status=error.http_status, error=error)

    def _page(
        self, request: Request, template: str, visit: Visit | None, *, status: int = 200, **values: Any
    ) -> Response:
        shared = {"root": forms.upwards(request), "visit": visit, "version": self._version, "server": self._server_id}
        return DashboardPage(render(template, {**shared, **values}), status)


def _range_of(first_jid: int, held: Any) -> range:
    return range(first_jid + held.lo, first_jid + held.hi)
