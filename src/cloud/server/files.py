"""Files for people, curl and other languages: whole bodies, streamed; what a client asks for in pieces."""

import hashlib
import re
import secrets
from collections.abc import AsyncIterator
from typing import Any

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from cloud import errors
from cloud.api import MAX_PIECE_BYTES, FilePiece
from cloud.model import File, wrong_with
from cloud.server.answers import SAFE
from cloud.server.calls import Calls
from cloud.server.gate import Caller, Gate
from cloud.server.guarded import guarded
from cloud.server.json_answer import JsonAnswer
from cloud.wire import calls as wire_calls
from cloud.wire import files as wire_files
from cloud.wire.message import decode

_RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})")
_PIECE_BYTES = 1 << 20
_SAFE = {name.decode(): value.decode() for name, value in SAFE}


class FileRoutes:
    """Routes under /v1/files."""

    def __init__(self, asked: Calls, gate: Gate) -> None:
        self._asked = asked
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
        asked = {name: request.query_params.get(name, "") for name in ("prefix", "after")}
        header, _ = await self._ask(wire_calls.ask("list_files", None, **asked, limit=1000), caller)
        found = wire_files.read_listed(header)
        return JsonAnswer({"files": [_about(file) for file in found]})

    async def _get(self, request: Request, caller: Caller) -> Response:
        file = await self._find(request, caller)
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
        body = self._bytes(file, start, stop, caller)
        return StreamingResponse(body, status, headers, media_type="application/octet-stream")

    async def _put(self, request: Request, caller: Caller) -> Response:
        wrong = wrong_with(_name_in(request))
        if wrong is not None:
            raise errors.InvalidSubmission(wrong)
        try:
            return JsonAnswer(_about(await self._take(request, caller)), 201)
        except ClientDisconnect:
            return Response(status_code=400)  # nobody reads it; what came is collected after a while

    async def _take(self, request: Request, caller: Caller) -> File:
        token, whole, start = secrets.token_hex(16), _md5(), 0
        held = bytearray()
        async for data in request.stream():
            whole.update(data)
            held += data
            while len(held) > MAX_PIECE_BYTES:
                first = bytes(held[:MAX_PIECE_BYTES])
                del held[:MAX_PIECE_BYTES]
                piece = FilePiece(start, first, _md5(first).hexdigest())
                await self._ask(wire_files.put_piece(token, piece), caller)
                start += len(first)
        last = FilePiece(start, held, _md5(held).hexdigest()) if held else None
        message = wire_files.put_file(token, _name_in(request), start + len(held), whole.hexdigest(), last)
        header, _ = await self._ask(message, caller)
        return wire_files.read_file(header)

    async def _delete(self, request: Request, caller: Caller) -> Response:
        file = await self._find(request, caller)
        await self._ask(wire_calls.ask("delete_file", None, name=file.name), caller)
        return JsonAnswer({"deleted": file.name})

    async def _find(self, request: Request, caller: Caller) -> File:
        header, _ = await self._ask(wire_calls.ask("find_file", None, name=_name_in(request)), caller)
        return wire_files.read_file(header)

    async def _bytes(self, file: File, start: int, stop: int, caller: Caller) -> AsyncIterator[bytes]:
        """A file that is replaced meanwhile breaks the connection off: what was sent cannot be taken back."""
        while start < stop:
            wanted = min(_PIECE_BYTES, stop - start)
            message = wire_calls.ask("read_file", None, fid=file.fid, start=start, size_bytes=wanted)
            _, frames = await self._ask(message, caller)
            data = bytes(frames[0])
            if not data:
                raise errors.FileNotFound(f"the file {file.name!r} ends at byte {start}")
            yield data
            start += len(data)

    async def _ask(self, parts: wire_calls.Parts, caller: Caller) -> tuple[dict[str, Any], list[memoryview]]:
        answer = await self._asked.ask(b"".join(parts), caller)
        assert answer is not None
        header, frames = decode(b"".join(answer))
        wire_calls.answer_of(header)
        return header, frames


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


def _md5(data: bytes | bytearray = b"") -> Any:
    return hashlib.md5(data, usedforsecurity=False)
