"""Forms as browsers send them, and the addresses in them that a browser may be sent back to."""

import hmac
import re
from collections.abc import Mapping
from datetime import datetime, timedelta, timezone
from urllib.parse import parse_qs

from starlette.requests import Request

from cloud.errors import InvalidSubmission, JobNotFound
from cloud.server.dashboard.search import Wanted
from cloud.server.dashboard.visits import Visit
from cloud.server.gate import Misdirected

_MOST_BYTES = 64 << 10
_MOST_DIGITS = 18
_LONGEST = 1000
_OURS = re.compile(r"(jobs|maps|overview|files|keys|account|server)(/[0-9]{1,18})?(\?[!-~]{0,4000})?")


async def read_form(request: Request) -> dict[str, str]:
    """Fields of a form; of a repeated one, the last.

    Raises:
        InvalidSubmission: it is too long, or no form.
    """
    return {name: values[-1] for name, values in (await read_fields(request)).items()}


async def read_fields(request: Request) -> dict[str, list[str]]:
    """As `read_form`, with all values of repeated fields."""
    data = b""
    async for piece in request.stream():
        data += piece
        if len(data) > _MOST_BYTES:
            raise InvalidSubmission("that is too long for a form")
    try:
        return parse_qs(data.decode(), max_num_fields=100)
    except ValueError:
        raise InvalidSubmission("that is no form") from None


def check_token(form: dict[str, str], visit: Visit) -> None:
    """Raises:
    Misdirected: the form is not from a page of this visit.
    """
    if not hmac.compare_digest(form.get("csrf", "").encode(), visit.csrf.encode()):
        raise Misdirected("this form is out of date: go back, load the page again, and repeat what you did")


def ours(address: str) -> str:
    """An address to go back to, if it is one of our pages, as seen from '/'; else the Jobs page."""
    return address if _OURS.fullmatch(address) and "\\" not in address else "jobs"


def upwards(request: Request, address: str = "") -> str:
    """An address as seen from '/', relative to this request's, so that it holds under any prefix."""
    return "../" * (str(request.scope["path"]).count("/") - 1) + address


def jid_in(request: Request) -> int:
    """The jid in the path.

    Raises:
        JobNotFound: it is no number.
    """
    text = str(request.path_params["jid"])
    if not (text.isascii() and text.isdecimal()) or len(text) > _MOST_DIGITS:
        raise JobNotFound(f"there is no job {text[:40]!r}: jids are whole numbers")
    return int(text)


def wanted_in(request: Request) -> Wanted:
    """What a Jobs page is asked to show."""
    return wanted_among(request.query_params)


def wanted_among(asked: Mapping[str, str]) -> Wanted:
    """What the fields of a search ask for. Times without a zone are of the browser, whose minutes behind UTC are in
    the field 'zone'."""
    zone = asked.get("zone", "").strip()
    minutes = int(zone) if re.fullmatch(r"-?[0-9]{1,3}", zone) else 0
    return Wanted(
        asked.get("label", "").strip()[:_LONGEST],
        asked.get("function", "").strip()[:_LONGEST],
        asked.get("status", "").strip()[:_LONGEST],
        whole(asked.get("jid", "")),
        whole(asked.get("before", "")),
        _moment(asked.get("since", ""), minutes),
        _moment(asked.get("until", ""), minutes),
    )


def _moment(text: str, minutes: int) -> float | None:
    try:
        at = datetime.fromisoformat(text.strip())
        return (at if at.tzinfo else at.replace(tzinfo=timezone(timedelta(minutes=-minutes)))).timestamp()
    except (ValueError, OverflowError):
        return None


def whole(text: str) -> int | None:
    """A whole number, if that is what it is."""
    text = text.strip()
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= _MOST_DIGITS else None
