"""Styles, script and icon, out of the package."""

import functools
import hashlib
from importlib.resources import files

from starlette.requests import Request
from starlette.responses import Response

from cloud.errors import FileNotFound
from cloud.server.dashboard.rendering import HEADERS

_TYPES = {"dashboard.css": "text/css", "dashboard.js": "text/javascript", "icon.svg": "image/svg+xml"}


async def serve_static(request: Request) -> Response:
    """One of the few files there are.

    Raises:
        FileNotFound: it is not one of them.
    """
    name = str(request.path_params["name"])
    if name not in _TYPES:
        raise FileNotFound(f"there is nothing at {request.url.path}")
    data, tag = _read(name)
    headers = {**HEADERS, "etag": tag, "cache-control": "no-cache"}
    if request.headers.get("if-none-match") == tag:
        return Response(status_code=304, headers=headers)
    return Response(data, media_type=_TYPES[name], headers=headers)


@functools.cache
def _read(name: str) -> tuple[bytes, str]:
    data = files(__package__).joinpath("static", name).read_bytes()
    return data, f'"{hashlib.sha256(data).hexdigest()[:16]}"'
