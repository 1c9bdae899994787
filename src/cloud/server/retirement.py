"""A server that makes room for a newer one: at once, if no job runs (DESIGN D15)."""

from collections.abc import Callable

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from cloud import errors
from cloud.server.gate import Caller, Gate
from cloud.server.guarded import guarded
from cloud.server.json_answer import JsonAnswer


class Retirement:
    """One route. Between its look at what runs and the end of this server nothing is started.

    Args:
        running: how many jobs run.
        leave: ends this server soon, and has it start nothing more.
    """

    def __init__(self, gate: Gate, running: Callable[[], int], leave: Callable[[], None]) -> None:
        self._gate = gate
        self._running = running
        self._leave = leave

    def routes(self) -> list[Route]:
        """All of them."""
        return [Route("/v1/retire", guarded(self._gate, self._retire), methods=["POST"])]

    async def _retire(self, _request: Request, caller: Caller) -> Response:
        if caller.key is None or not self._gate.keys.is_administrator(caller.account):
            raise errors.NotAuthorised("that takes an administrator's key")
        running = self._running()
        if not running:
            self._leave()
        return JsonAnswer({"retired": not running, "running": running})
