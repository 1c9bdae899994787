"""Files for people, curl and other languages: whole bodies, streamed; what a client asks for in pieces."""

import re
from typing import Any

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from cloud import errors
from cloud.model import File
from cloud.server.answers import SAFE
from cloud.server.calls import Calls
from cloud.server.file_bodies import FileBodies
from cloud.server.gate import Caller, Gate
from cloud.server.guarded import guarded
from cloud.server.json_answer import JsonAnswer

_RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})")
_SAFE = {name.decode(): value.decode() for name, value in SAFE}


class FileRoutes:
    """Routes under /v1/files."""

    def __init__(self, asked: Calls, gate: Gate) -> None:
        self._bodies = FileBodies(asked)
        self._gate = gate

    def routes(self) -> list[Route]:
        """All of them."""
        return [
            Route("/v1/files", guarded(self._gate, self._list), methods=["GET"]),
            Route("/v1/files/{name:path}", guarded(self._gate, self._get), methods=["GET"]),
            Route("/v1/files/{name:path}", guarded(self._gate, self._put), methods=["PUT"]),
            Route("/v1/files/{name:path}", guarded(self._gate, self._delete), methods=["DELETE"]),
        ]

    async def _list(self, request: Request, caller: Caller) -> Response:
        prefix, after = (request.query_params.get(name, "") for name in ("prefix", "after"))
        found = await self._bodies.names(prefix, after, 1000, caller)
        return JsonAnswer({"files": [_about(file) for file in found]})

    async def _get(self, request: Request, caller: Caller) -> Response:
        file = await self._bodies.find(_name_in(request), caller)
        start, stop, status = _wanted(request.headers.get("range"), file.size_bytes)
        headers = {
            **_SAFE,
            "content-length": str(stop - start),
            "content-disposition": "attachment",
            "accept-ranges": "bytes",
            "etag": f'"{file.md5}"',
        }
        if status == 206:
            headers["content-range"] = f"bytes {start}-{stop - 1}/{file.size_bytes}"
        if request.method == "HEAD":
            return Response(None, status, headers, media_type="application/octet-stream")
        body = self._bodies.send(file, start, stop, caller)
        return StreamingResponse(body, status, headers, media_type="application/octet-stream")

    async def _put(self, request: Request, caller: Caller) -> Response:
        try:
            return JsonAnswer(_about(await self._bodies.take(_name_in(request), request.stream(), caller)), 201)
        except ClientDisconnect:
            return Response(status_code=400)  # nobody reads it; what came is collected after a while

    async def _delete(self, request: Request, caller: Caller) -> Response:
        file = await self._bodies.find(_name_in(request), caller)
        await self._bodies.delete(file.name, caller)
        return JsonAnswer({"deleted": file.name})


def _about(file: File) -> dict[str, Any]:
    put_at = file.put_at.timestamp()
    return {"name": file.name, "size_bytes": file.size_bytes, "md5": file.md5, "put_at": put_at}


def _name_in(request: Request) -> str:
    return str(request.path_params["name"])


def _wanted(header: str | None, size_bytes: int) -> tuple[int, int, int]:
    """First byte, the one behind the last, and the HTTP status. Of several ranges, or what is none, all is sent.

    Raises:
        BadRange: it begins behind the end.
    """
    found = _RANGE.fullmatch(header.strip()) if header else None
    if found is None or not any(found.groups()):
        return 0, size_bytes, 200
    first, last = found.groups()
    start = int(first) if first else max(0, size_bytes - int(last))
    if not first:
        last = ""
    stop = min(size_bytes, int(last) + 1) if last else size_bytes
    if start >= size_bytes or stop <= start:
        raise BadRange(f"the file has {size_bytes} bytes; there is no {header}")
    return start, stop, 206


class BadRange(errors.InvalidSubmission):
    """The file has no such bytes."""

    http_status = 416
