"""Who comes in: signing in and out, one-time links, and the guard before every page."""

from collections.abc import Awaitable, Callable
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from cloud import errors
from cloud.server.answers import error_object
from cloud.server.dashboard import forms
from cloud.server.dashboard.desk import Desk
from cloud.server.dashboard.visits import LINK_SECONDS, VISIT_SECONDS, Visit, Visits
from cloud.server.gate import Gate
from cloud.server.json_answer import JsonAnswer

Endpoint = Callable[[Request], Awaitable[Response]]
Answer = Callable[[Request, Visit], Awaitable[Response]]


class Doorway:
    """Tells who looks, by a cookie; whoever shows none is led to the sign-in page and from there back."""

    def __init__(self, desk: Desk, gate: Gate) -> None:
        self._desk = desk
        self._gate = gate
        self._cookie = f"picloud_{desk.server_id[:16]}"  # cookies know no ports: each server has its own
        self._look = f"picloud_look_{desk.server_id[:16]}"
        self._visits = Visits(desk.store, gate.keys)

    def routes(self) -> list[Route]:
        """Signing in and out."""
        return [
            Route("/", self.open(self._front), methods=["GET"]),
            Route("/sign-in", self.open(self._sign_in_form), methods=["GET"]),
            Route("/sign-in", self.open(self._sign_in), methods=["POST"]),
            Route("/sign-in/{token}", self.open(self._by_link), methods=["GET"]),
            Route("/sign-out", self.visited(self._sign_out), methods=["POST"]),
            Route("/v1/dashboard-links", self._link, methods=["POST"]),
        ]

    def open(self, answer: Endpoint) -> Endpoint:
        """An endpoint for everybody; errors of ours become pages."""

        async def endpoint(request: Request) -> Response:
            try:
                return await answer(request)
            except errors.CloudException as error:
                return self._desk.failed(request, error)

        return endpoint

    def visited(self, answer: Answer) -> Endpoint:
        """An endpoint for who is signed in; errors of ours become pages."""

        async def endpoint(request: Request) -> Response:
            visit = self.visit(request)
            if visit is None:
                wanted = request.url.path.lstrip("/") + (f"?{request.url.query}" if request.url.query else "")
                back = urlencode({"next": wanted}) if request.method == "GET" else ""
                return RedirectResponse(forms.upwards(request, f"sign-in?{back}".rstrip("?")), 303)
            try:
                return await answer(request, visit)
            except errors.CloudException as error:
                return self._desk.failed(request, error, visit)

        return endpoint

    def visit(self, request: Request) -> Visit | None:
        """Who looks; None: nobody that may."""
        looks_at = forms.whole(request.cookies.get(self._look, ""))
        return self._visits.read(request.cookies.get(self._cookie, ""), looks_at)

    def look_at(self, request: Request, answer: Response, account: int) -> None:
        """From now on, pages show what this account has, where an administrator looks."""
        secure = request.url.scheme == "https"
        answer.set_cookie(self._look, str(account), httponly=True, samesite="strict", secure=secure, path="/")

    async def _front(self, request: Request) -> Response:
        if self.visit(request) is not None:
            return RedirectResponse("jobs", 303)
        return await self._sign_in_form(request)

    async def _sign_in_form(self, request: Request) -> Response:
        return self._desk.page(request, "sign_in.html", None, error="", next=request.query_params.get("next", ""))

    async def _sign_in(self, request: Request) -> Response:
        form = await forms.read_form(request)
        try:
            cookie = self._visits.by_key(form.get("key", "").strip(), form.get("secret", "").strip())
        except errors.NotAuthorised as error:
            shown = {"error": error.parameter, "next": form.get("next", "")}
            return self._desk.page(request, "sign_in.html", None, status=401, **shown)
        return self._signed_in(request, cookie, forms.ours(form.get("next", "")))

    async def _by_link(self, request: Request) -> Response:
        if request.method == "HEAD":  # whoever only looks where a link leads must not use it up
            return Response(status_code=204)
        then = forms.ours(request.query_params.get("next", ""))
        try:
            cookie = self._visits.by_link(str(request.path_params["token"]))
        except errors.NotAuthorised as error:
            if self.visit(request) is not None:
                return RedirectResponse(forms.upwards(request, then), 303)
            shown = f"{error.parameter}. {error.hint}"
            return self._desk.page(request, "sign_in.html", None, status=401, error=shown, next=then)
        return self._signed_in(request, cookie, then)

    def _signed_in(self, request: Request, cookie: str, then: str) -> Response:
        answer = RedirectResponse(forms.upwards(request, then), 303)
        secure = request.url.scheme == "https"
        answer.set_cookie(
            self._cookie, cookie, max_age=VISIT_SECONDS, httponly=True, samesite="lax", secure=secure, path="/"
        )
        return answer

    async def _sign_out(self, request: Request, visit: Visit) -> Response:
        forms.check_token(await forms.read_form(request), visit)
        self._visits.end(request.cookies.get(self._cookie, ""))
        self._desk.watchers.look_again()
        answer = RedirectResponse("sign-in", 303)
        answer.delete_cookie(self._cookie, path="/")
        answer.delete_cookie(self._look, path="/")
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
