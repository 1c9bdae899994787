"""picloud info"""

from datetime import UTC, datetime
from typing import Any

import click

from cloud.cli import jids as jids_words
from cloud.cli.proposed import proposed

_EPILOG = """\b
Examples:
  picloud info 17
  picloud info -o status,runtime,stdout 15-20
  picloud info --json -o all 17
"""


@click.command("info", epilog=_EPILOG)
@jids_words.argument()
@click.option(
    "-o",
    "--only",
    metavar="FIELD,...",
    shell_complete=proposed("info_fields"),
    help="What to show, such as status,runtime,memory; `all`.",
)
@click.option("--json", "as_json", is_flag=True, help="A line of JSON for each job.")
def command(jids: tuple[tuple[range, ...], ...], only: str | None, as_json: bool) -> None:
    """Show what is known of jobs: status, output, run time, ...; `cloud.info` lists all fields."""
    from cloud.client import sessions

    fields = [name.strip() for name in (only or ",".join(_USUAL)).split(",")]
    wanted = jids_words.together(jids)
    try:
        found = sessions.active().info(wanted, fields)
    except ValueError as error:
        raise click.UsageError(str(error)) from None
    for jid, info in found.items():
        _show(jid, info, as_json=as_json, headed=len(found) > 1)


_USUAL = (
    "status", "function", "label", "created", "started", "finished", "runtime", "exception", "stdout", "stderr",
)  # fmt: skip
_NAMES = ("function", "label")
"""One line, whatever they hold."""


def _show(jid: int, info: dict[str, Any], *, as_json: bool, headed: bool) -> None:
    from cloud.cli import colour
    from cloud.cli.answers import print_json
    from cloud.cli.table import clean

    if as_json:
        print_json({"jid": jid, **info})
        return
    if headed:
        click.echo(colour.paint(f"Info for jid {jid}", bold=True))
    for name, value in info.items():
        if value in (None, "", [], {}):
            continue
        text = (clean(value) if name in _NAMES else _text(value)).encode(errors="replace").decode()
        if "\n" in text.rstrip("\n"):
            click.echo(f"{name}:\n{text.rstrip()}")
        else:
            shown = colour.status(text) if name == "status" else text.rstrip("\n")
            click.echo(f"{name}: {shown}")
    if headed:
        click.echo()


def _text(value: Any) -> str:
    if isinstance(value, datetime):
        return value.replace(tzinfo=UTC).astimezone().strftime("%Y-%m-%d %H:%M:%S %Z")
    if isinstance(value, float):
        return f"{value:.3f}" if value >= 0.001 or not value else f"{value:.6f}"
    if isinstance(value, (dict, list)):
        import json

        return json.dumps(value, default=repr)
    return str(value)
