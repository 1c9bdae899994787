"""picloud jobs"""

import sys
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

import click

from cloud.cli.jids import text_of

_EPILOG = """\b
Examples:
  picloud jobs --status error --since 1d
  picloud jobs --function shrink --limit 5 --json
  picloud jobs --label nightly --status queued --jids | picloud kill -
"""
_WORDS = ("waiting", "queued", "processing", "done", "error", "killed", "stalled", "failed", "unfinished", "finished")


@click.command("jobs", epilog=_EPILOG)
@click.argument("jid", required=False, metavar="[JID]")
@click.option("-l", "--label", help="Part of the label.")
@click.option("-f", "--function", help="Part of the function's name or file.")
@click.option(
    "-s", "--status", type=click.Choice(_WORDS), metavar="STATUS", help=f"With a job that is {', '.join(_WORDS)}."
)
@click.option("--since", metavar="TIME", help="Not older: 90s, 10m, 4h, 2d, or 2026-02-01T08:00.")
@click.option("-n", "--limit", type=click.IntRange(1), default=20, show_default=True, help="How many, newest first.")
@click.option("--jids", "only_jids", is_flag=True, help="Only the jids; with --status, only those of that status.")
@click.option("--json", "as_json", is_flag=True, help="A line of JSON for each.")
def command(
    jid: str | None, label: str | None, function: str | None, status: str | None, since: str | None, limit: int,
    only_jids: bool, as_json: bool,
) -> None:  # fmt: skip
    """List what was submitted, newest first; a map is one line. With JID, the call or map that it is of."""
    from cloud.cli.answers import print_json
    from cloud.cli.moments import seconds_since_epoch

    if jid is not None and not jid.isdecimal():
        raise click.UsageError(f"{jid!r} is not a jid")
    asked: dict[str, Any] = {"label": label, "function": function, "status": status, "jid": jid}
    if only_jids:
        asked["jids"] = 1
    if since is not None:
        asked["since"] = seconds_since_epoch(since)
    found = submissions({name: value for name, value in asked.items() if value is not None}, limit)
    if only_jids:
        for row in found:
            for first, last in row["jids"]:
                click.echo(text_of(range(first, last + 1)))
    elif as_json:
        for row in found:
            print_json(row)
    else:
        _print(list(found))


def submissions(asked: dict[str, Any], limit: int) -> Iterator[dict[str, Any]]:
    """What the server lists, page after page."""
    from cloud.client.key_requests import KeyRequests

    requests = KeyRequests()
    number = 0
    while True:
        page = requests.ask("GET", f"submissions?{urlencode(asked)}")
        for row in page["submissions"]:
            yield row
            number += 1
            if number == limit:
                return
        if page["before"] is None:
            return
        asked = {**asked, "before": page["before"]}


def _print(rows: list[dict[str, Any]]) -> None:
    from cloud.cli import colour
    from cloud.cli.moments import ago
    from cloud.cli.names import function_text
    from cloud.cli.table import lines_of

    if not rows:
        click.echo("no jobs", err=True)
        return
    cells = [
        [
            text_of(range(row["first"], row["last"] + 1)), _status_text(row), function_text(row["function"]),
            row["label"] or "", ago(row["created"]),
        ]
        for row in rows
    ]  # fmt: skip

    def painted(number: int, column: int, text: str) -> str:
        return colour.paint(text, colour.OF_STATUS.get(_worst(rows[number]), "")) if column == 1 else text

    headers = ("JIDS", "STATUS", "FUNCTION", "LABEL", "SUBMITTED")
    for line in lines_of(headers, cells, gives_way=(2, 3), whole=(0,), spare=(4, 3), painted=painted):
        sys.stdout.write(line + "\n")


def _status_text(row: dict[str, Any]) -> str:
    counts = row["counts"]
    if row["count"] == 1:
        return str(next(iter(counts)))
    return ", ".join(f"{number:,} {word}" for word, number in counts.items())


def _worst(row: dict[str, Any]) -> str:
    for word in ("error", "stalled", "killed", "processing", "queued", "waiting", "done"):
        if word in row["counts"]:
            return word
    return ""
