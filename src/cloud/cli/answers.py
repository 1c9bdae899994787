"""What commands print: results as they are for people, JSON a line each for programs."""

import json
import math
import sys
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

import click

from cloud.cli.messages import brief, of_job
from cloud.errors import CloudException, JobError


def print_json(value: Mapping[str, Any]) -> None:
    """One line, there at once."""
    try:
        text = json.dumps(value, default=_plain, ensure_ascii=False, allow_nan=False)
    except ValueError:  # not a number, or infinite: JSON has no word for them
        value = _finite(json.loads(json.dumps(value, default=_plain)))
        text = json.dumps(value, ensure_ascii=False)
    try:
        text.encode(sys.stdout.encoding or "ascii")
    except UnicodeEncodeError:  # not UTF-8, or half of a surrogate pair, as in names of files that are none
        text = json.dumps(value, default=_plain)
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def print_value(value: Any) -> None:
    """Text and bytes just as they are, for pipes; anything else as Python shows it. A terminal gets whole lines."""
    ends = b"\n" if sys.stdout.isatty() else b""
    if isinstance(value, str):
        data = value.encode(errors="surrogateescape")
    elif isinstance(value, (bytes, bytearray, memoryview)):
        data = bytes(value)
    else:
        data, ends = repr(value).encode(errors="replace"), b"\n"
    sys.stdout.flush()
    sys.stdout.buffer.write(data if data.endswith(b"\n") else data + ends)
    sys.stdout.flush()


def print_results(pairs: Iterable[tuple[int, Any]], *, as_json: bool, alone: bool) -> None:
    """Results as they come; errors among them are shown in their places, and raised at the end as one.

    Args:
        pairs: jid and result, or the `CloudException` in its place.
        as_json: a line of JSON for each.
        alone: whether a single job was asked for, whose result needs no heading.
    """
    failed: list[CloudException] = []
    for jid, value in pairs:
        if isinstance(value, CloudException):
            failed.append(value)
        if as_json:
            print_json(_described(jid, value, failed))
        elif not isinstance(value, CloudException):
            if not alone:
                click.echo(f"Result for jid {jid}:")
            print_value(value)
            if not alone and isinstance(value, (str, bytes)) and not sys.stdout.isatty():
                click.echo()
        elif not alone:
            click.echo(f"{of_job(value)}\n", err=True)
    if failed and alone:
        raise failed[0]
    if failed:
        raise Failed(failed)


class Failed(CloudException):
    """Some of several jobs failed; each error was shown already."""

    def __init__(self, failed: list[CloudException]) -> None:
        jids = [error.jid for error in failed]
        named = ", ".join(map(str, jids[:10])) + (", ..." if len(jids) > 10 else "")
        super().__init__(f"{len(jids)} of the jobs failed: {named}")


def _described(jid: int, value: Any, failed: list[CloudException]) -> dict[str, Any]:
    if isinstance(value, CloudException):
        status = value.status if isinstance(value, JobError) else None
        return {"jid": jid, "status": status, "error": brief(value)}
    if isinstance(value, (bytes, bytearray)):
        value = bytes(value).decode(errors="backslashreplace")
    try:
        json.dumps(value)
    except (TypeError, ValueError):
        failed.append(CloudException(f"its result, of type {type(value).__name__}, cannot be JSON", jid=jid))
        return {"jid": jid, "status": "done", "error": failed[-1].parameter, "repr": repr(value)}
    return {"jid": jid, "status": "done", "result": value}


def _finite(value: Any) -> Any:
    """With null in place of what JSON cannot say, as browsers do."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {name: _finite(each) for name, each in value.items()}
    return [_finite(each) for each in value] if isinstance(value, list) else value


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):  # those of `cloud` are naive, in UTC
        return (value if value.tzinfo else value.replace(tzinfo=UTC)).isoformat()
    if isinstance(value, (bytes, bytearray, memoryview)):
        return bytes(value).decode(errors="backslashreplace")
    return repr(value)
