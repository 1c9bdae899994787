"""Answers as ASGI events: wire messages for clients, JSON for people and other languages."""

import json
from collections.abc import Awaitable, Callable, MutableMapping, Sequence
from typing import Any

from cloud.errors import CloudException
from cloud.model import Buffer

Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
RawHeaders = list[tuple[bytes, bytes]]

PIECE_BYTES = 1 << 18
"""Larger buffers are written in pieces, each when the one before it has left, so that a slow client costs no memory."""

SAFE: RawHeaders = [
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"cache-control", b"no-store"),
    (b"content-security-policy", b"default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"),
]
"""On everything a browser may show."""

_WIRE_TYPE = (b"content-type", b"application/octet-stream")
_NO_SNIFF = SAFE[0]


async def send_parts(send: Send, parts: Sequence[Buffer], status: int = 200, headers: RawHeaders | None = None) -> None:
    """A wire message."""
    if len(parts) == 1 and isinstance(parts[0], bytes) and len(parts[0]) <= PIECE_BYTES:
        await _start(send, status, len(parts[0]), [_WIRE_TYPE, _NO_SNIFF, *(headers or ())])
        await send({"type": "http.response.body", "body": parts[0]})
        return
    views = [memoryview(part).cast("B") for part in parts if len(part)]
    await _start(send, status, sum(view.nbytes for view in views), [_WIRE_TYPE, _NO_SNIFF, *(headers or ())])
    for view in views:
        for start in range(0, view.nbytes, PIECE_BYTES):
            await send({"type": "http.response.body", "body": view[start : start + PIECE_BYTES], "more_body": True})
    await send({"type": "http.response.body", "body": b""})


async def send_json(send: Send, value: Any, status: int = 200, headers: RawHeaders | None = None) -> None:
    """A JSON document, with the headers of `SAFE`."""
    body = json.dumps(value, separators=(",", ":"), default=str).encode() + b"\n"
    await send_body(send, body, b"application/json", status, headers)


async def send_body(
    send: Send, body: bytes, content_type: bytes, status: int = 200, headers: RawHeaders | None = None
) -> None:
    """Bytes of some type, with the headers of `SAFE`."""
    await _start(send, status, len(body), [(b"content-type", content_type), *SAFE, *(headers or ())])
    await send({"type": "http.response.body", "body": body})


def error_object(error: CloudException) -> dict[str, Any]:
    """An error as the public interface tells it (SPEC H.1)."""
    fields: dict[str, Any] = {"code": error.http_status, "msg": error.parameter, "retry": error.retry}
    if error.hint:
        fields["hint"] = error.hint
    return {"error": fields}


async def _start(send: Send, status: int, length: int, headers: RawHeaders) -> None:
    headers.append((b"content-length", b"%d" % length))
    await send({"type": "http.response.start", "status": status, "headers": headers})
