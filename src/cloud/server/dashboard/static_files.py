"""Styles, scripts and icons, out of the package."""

import functools
import hashlib
import re
from importlib.resources import files

from starlette.requests import Request
from starlette.responses import Response

from cloud.errors import FileNotFound
from cloud.server.dashboard.rendering import HEADERS

_TYPES = {"css": "text/css", "js": "text/javascript", "svg": "image/svg+xml"}
_NAME = re.compile(r"[a-zA-Z][a-zA-Z0-9.-]{0,60}\.(css|js|svg)")


async def serve_static(request: Request) -> Response:
    """One of the files in `static/`.

    Raises:
        FileNotFound: it is not one of them.
    """
    name = str(request.path_params["name"])
    found = _read(name) if _NAME.fullmatch(name) and name in _names() else None
    if found is None:
        raise FileNotFound(f"there is nothing at {request.url.path}")
    data, tag = found
    headers = {**HEADERS, "etag": tag, "cache-control": "no-cache"}
    if request.headers.get("if-none-match") == tag:
        return Response(status_code=304, headers=headers)
    return Response(data, media_type=_TYPES[name.rpartition(".")[2]], headers=headers)


@functools.cache
def _names() -> frozenset[str]:
    return frozenset(entry.name for entry in files(__package__).joinpath("static").iterdir())


@functools.cache
def _read(name: str) -> tuple[bytes, str]:
    data = files(__package__).joinpath("static", name).read_bytes()
    return data, f'"{hashlib.sha256(data).hexdigest()[:16]}"'
