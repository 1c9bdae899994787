"""Jobs as plain JSON, for people, curl other languages: a client's questions, asked of the same core."""

import math
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from cloud import errors
from cloud.api import INFO_FIELDS
from cloud.dispatch.ports import AgentState
from cloud.local import Core
from cloud.model import Ranges
from cloud.model.ranges import pack
from cloud.server.account_routes import plain_account
from cloud.server.calls import Calls
from cloud.server.gate import Caller, Gate
from cloud.server.guarded import guarded
from cloud.server.json_answer import JsonAnswer, TextAnswer
from cloud.server.summary import count_jobs
from cloud.wire import calls as wire_calls
from cloud.wire.message import decode

_SHOWN = (
    "status", "function", "label", "created", "started", "finished", "runtime", "attempts", "exception", "attributes",
)  # fmt: skip
_NOT_JSON = frozenset({"args", "kwargs", "func_object"})
_MOST_JOBS = 1000
_MOST_JOBS_AT_LENGTH = 20
_LONG = frozenset({"stdout", "stderr", "logging", "profile"})
_MOST_DIGITS = 18
_LONGEST_LIST = 10_000


class People:
    """Routes under /v1/jobs, and /v1/summary."""

    def __init__(self, asked: Calls, gate: Gate, core: Core) -> None:
        self._asked = asked
        self._gate = gate
        self._dispatcher, self._retention = core.dispatcher, core.retention
        self._store, self._engine = core.store, core.engine

    def routes(self) -> list[Route]:
        """All of them."""
        return [
            Route("/v1/summary", guarded(self._gate, self._summary), methods=["GET"]),
            Route("/v1/jobs", guarded(self._gate, self._jobs), methods=["GET"]),
            Route("/v1/jobs/{jid}", guarded(self._gate, self._job), methods=["GET"]),
            Route("/v1/jobs/{jid}/kill", guarded(self._gate, self._kill), methods=["POST"]),
            Route("/v1/jobs/{jid}/{stream}", guarded(self._gate, self._output), methods=["GET"]),
        ]

    async def _summary(self, _request: Request, caller: Caller) -> Response:
        header, _ = await self._ask(wire_calls.ask("describe", None), caller)
        about = wire_calls.answer_of(header)
        return JsonAnswer(
            {
                **about,
                **self._asked.about,
                "jobs": count_jobs(self._store, caller.account),
                "store_bytes": self._store.size_bytes(),
                "blob_bytes": self._retention.blob_bytes,
                **self._of_account(caller.account),
                "trouble": self._engine.state().trouble,
                "agents": [_plain_agent(agent) for agent in self._engine.state().agents],
            }
        )

    def _of_account(self, number: int) -> dict[str, Any]:
        found = plain_account(self._dispatcher, self._dispatcher.accounts.find(number))
        return {"account_name": found["name"], "limits": found["limits"], "usage": found["usage"]}

    async def _jobs(self, request: Request, caller: Caller) -> Response:
        jids = read_jid_list(request.query_params.get("jids", ""))
        fields = _fields(request.query_params.getlist("field"))
        number = sum(len(those) for those in jids)
        if number > _MOST_JOBS_AT_LENGTH and not _LONG.isdisjoint(fields):
            raise errors.InvalidSubmission(
                f"{', '.join(sorted(_LONG.intersection(fields)))} may be long: at most {_MOST_JOBS_AT_LENGTH} jobs"
            )
        return JsonAnswer({"info": await self._info(jids, fields, caller)})

    async def _job(self, request: Request, caller: Caller) -> Response:
        jid = _jid_in(request)
        fields = _fields(request.query_params.getlist("field"))
        found = await self._info((range(jid, jid + 1),), fields, caller)
        return JsonAnswer({"jid": jid, **found[str(jid)]})

    async def _output(self, request: Request, caller: Caller) -> Response:
        jid, stream = _jid_in(request), str(request.path_params["stream"])
        if stream not in ("stdout", "stderr"):
            raise errors.JobNotFound(f"a job has no {stream!r} here; there are stdout and stderr")
        found = await self._info((range(jid, jid + 1),), [stream], caller)
        return TextAnswer(found[str(jid)][stream] or "")

    async def _kill(self, request: Request, caller: Caller) -> Response:
        jid = _jid_in(request)
        force = request.query_params.get("force", "") in ("1", "true", "yes")
        await self._ask(wire_calls.ask("kill", (range(jid, jid + 1),), force=force), caller)
        found = await self._info((range(jid, jid + 1),), ["status"], caller)
        return JsonAnswer({"jid": jid, **found[str(jid)]})

    async def _info(self, jids: Ranges, fields: list[str], caller: Caller) -> dict[str, dict[str, Any]]:
        header, frames = await self._ask(wire_calls.ask("info", jids, fields=fields), caller)
        infos = wire_calls.read_infos(header, frames)
        numbers = [str(jid) for those in jids for jid in those]
        return {number: _plain(info) for number, info in zip(numbers, infos, strict=True)}

    async def _ask(self, parts: wire_calls.Parts, caller: Caller) -> tuple[dict[str, Any], list[memoryview]]:
        answer = await self._asked.ask(b"".join(parts), caller)
        assert answer is not None
        header, frames = decode(b"".join(answer))
        wire_calls.answer_of(header)
        return header, frames


def _plain_agent(agent: AgentState) -> dict[str, Any]:
    return {
        "name": agent.name, "machine": agent.host, "type": agent.kind, "slots": agent.slots, "used": agent.used,
        "busy": agent.busy, "state": "silent" if agent.silent else "here",
        "silent_seconds": round(agent.silent_seconds, 3), "log": agent.log,
    }  # fmt: skip


def _jid_in(request: Request) -> int:
    text = str(request.path_params["jid"])
    if not text.isdecimal() or len(text) > _MOST_DIGITS:
        raise errors.JobNotFound(f"there is no job {text[:40]!r}: jids are whole numbers")
    return int(text)


def read_jid_list(text: str) -> Ranges:
    """'1,2,5-8' (inclusive ranges, as on the command line) as ranges.

    Raises:
        InvalidSubmission: it is not such a list, or names more than a thousand jobs.
    """
    found: list[int | range] = []
    if len(text) <= _LONGEST_LIST:
        try:
            for item in text.split(","):
                first, dash, last = item.partition("-")
                if max(len(first), len(last)) > _MOST_DIGITS:
                    raise ValueError
                found.append(range(int(first), int(last) + 1) if dash else int(first))
        except ValueError:
            found = []
    jids = pack(found)
    number = sum(len(those) for those in jids)
    if not 1 <= number <= _MOST_JOBS:
        raise errors.InvalidSubmission(f"jids must be a list like 1,2,5-8 of 1 to {_MOST_JOBS} jobs")
    return jids


def _fields(asked: list[str]) -> list[str]:
    for name in asked:
        if name not in INFO_FIELDS or name in _NOT_JSON:
            allowed = ", ".join(name for name in INFO_FIELDS if name not in _NOT_JSON)
            raise errors.InvalidSubmission(f"there is no field {name!r}; there are {allowed}")
    return list(asked or _SHOWN)


def _plain(value: Any) -> Any:
    """The same value in strict JSON: bytes as text, no NaN."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, (bytes, bytearray, memoryview)):
        return bytes(value).decode(errors="replace")
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
