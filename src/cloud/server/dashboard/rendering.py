"""Templates to pages, and the headers that pages carry."""

import functools
import math
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

from starlette.responses import Response

_ORDER = ("done", "error", "killed", "stalled", "processing", "queued", "waiting")
HEADERS = {
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    # Not 'no-referrer': with that, browsers send 'Origin: null' along with a form.
    "referrer-policy": "same-origin",
    "content-security-policy": "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; "
    "img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
}


class DashboardPage(Response):
    """An HTML page with our own styles and scripts, and nobody else's."""

    media_type = "text/html"

    def __init__(self, text: str, status_code: int = 200) -> None:
        super().__init__(text, status_code, headers={**HEADERS, "cache-control": "no-store"})

    def render(self, content: str) -> bytes:
        """Names of files that are no UTF-8 become halves of surrogate pairs in Python, which a page cannot have."""
        return content.encode("utf-8", "replace")


def render(template: str, values: Mapping[str, Any]) -> str:
    """A page. Whatever is put into it is text, never markup."""
    text: str = _environment().get_template(template).render(values)
    return text


@functools.cache
def _environment() -> Any:
    # Only now: a server that nobody looks at starts without it.
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("cloud.server.dashboard"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    environment.filters.update(
        bar=bar,
        in_order=in_order,
        duration=duration,
        moment=moment,
        number=number,
        jids=jids,
        size=size,
        short=short,
        urlencode=query,
    )
    return environment


def bar(counts: Mapping[str, int]) -> list[tuple[str, float, float]]:
    """Segments of a progress bar, finished ones first: status, left edge and width in percent."""
    total = sum(counts.values())
    segments, left = [], 0.0
    for word, many in in_order(counts):
        width = 100 * many / total
        segments.append((word, round(left, 3), round(width, 3)))
        left += width
    return segments


def in_order(counts: Mapping[str, int]) -> list[tuple[str, int]]:
    """Jobs by status, finished ones first; statuses nobody has are left out."""
    return [(word, counts[word]) for word in _ORDER if counts.get(word)]


def duration(seconds: float | None) -> str:
    """'12 µs', '3.41 ms', '4.2 s', '3 min 5 s', '2 h 4 min'."""
    if seconds is None or not math.isfinite(seconds):
        return "–"
    if seconds < 1e-6:
        return "under 1 µs"
    if seconds < 0.001:
        return f"{seconds * 1e6:.0f} µs"
    if seconds < 1:
        return f"{seconds * 1000:.3g} ms"
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def moment(seconds: float | None) -> str:
    """A time as ISO 8601 in UTC, which the browser turns into its own; '' for none."""
    return "" if seconds is None else datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")


def number(value: int) -> str:
    """'1,000,000'."""
    return f"{value:,}"


def jids(found: range) -> str:
    """'7' or '7–12'."""
    return str(found.start) if len(found) == 1 else f"{found.start}–{found.stop - 1}"


def size(value: float) -> str:
    """'512 B', '3.4 MB': powers of ten, as the command line says it."""
    for unit in ("B", "kB", "MB", "GB"):
        if value < 1000:
            return f"{value:.0f} B" if unit == "B" else f"{value:.1f} {unit}"
        value /= 1000
    return f"{value:.1f} TB"


def query(fields: Mapping[str, object]) -> str:
    """The part of an address behind '?'."""
    return urlencode(fields, errors="replace")


def short(function_name: str) -> str:
    """A function's name without its file."""
    return function_name.partition(" at ")[0]
