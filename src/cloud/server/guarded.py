"""Routes for people, behind the gate: who asks is known before anything is looked at, and errors are JSON."""

from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import Response

from cloud import errors
from cloud.server.answers import error_object
from cloud.server.gate import Caller, Gate
from cloud.server.json_answer import JsonAnswer

Answer = Callable[[Request, Caller], Awaitable[Response]]
Endpoint = Callable[[Request], Awaitable[Response]]


def guarded(gate: Gate, answer: Answer) -> Endpoint:
    """An endpoint that asks the gate first; a `CloudException` becomes its HTTP status and an error object."""

    async def endpoint(request: Request) -> Response:
        try:
            return await answer(request, gate.admit(dict(request.headers.raw)))
        except errors.CloudException as error:
            return JsonAnswer(error_object(error), status_code=error.http_status)

    return endpoint
