"""Starlette responses with the headers that every answer to a browser carries."""

import json
from typing import Any

from starlette.responses import Response

from cloud.server.answers import SAFE

_SAFE = {name.decode(): value.decode() for name, value in SAFE}


class JsonAnswer(Response):
    """A JSON document."""

    media_type = "application/json"

    def __init__(self, value: Any, status_code: int = 200) -> None:
        super().__init__(value, status_code, headers=_SAFE)

    def render(self, content: Any) -> bytes:
        return json.dumps(content, separators=(",", ":"), allow_nan=False, default=str).encode() + b"\n"


class TextAnswer(Response):
    """Plain text that a browser shows and never interprets."""

    media_type = "text/plain"

    def __init__(self, text: str, status_code: int = 200) -> None:
        super().__init__(text, status_code, headers=_SAFE)

    def render(self, content: str) -> bytes:
        return content.encode("utf-8", "replace")
