"""picloud status"""

import base64
import http.client
import json
from typing import Any
from urllib.parse import urlsplit

import click

from cloud.cli import jids as jids_words
from cloud.cli import table
from cloud.cli.embedded import card, state_folder
from cloud.config import Settings
from cloud.errors import CloudException, ServerUnavailable

_TIMEOUT_SECONDS = 30.0
OLDER = ", older than this one: the next use restarts it when no job runs"


_EPILOG = """\b
Examples:
  picloud status
  picloud status --json | jq .jobs
  picloud status 12 15-20
"""


@click.command("status", epilog=_EPILOG)
@jids_words.argument(required=False)
@click.option("--json", "as_json", is_flag=True, help="As JSON; of jobs a line for each.")
def command(jids: tuple[tuple[range, ...], ...], as_json: bool) -> None:
    """Show whether the server of this user and machine runs, where, its jobs by status and, on a cluster, its agents;
    or the status of JIDS.

    Where PICLOUD_URL, or `url` in cloudconf.py, names another server, it is that one.
    """
    if jids:
        _show_jobs(jids, as_json=as_json)
        return
    shown = _of_another() if Settings.current().url else _of_this_user()
    if as_json:
        click.echo(json.dumps(shown))
    else:
        for line in lines_of(shown):
            click.echo(line)


def _of_this_user() -> dict[str, Any]:
    found = card()
    shown: dict[str, Any] = {"running": bool(found), "home": state_folder()}
    if found:
        from cloud.client.succession import is_older

        shown |= {"older": is_older(found)}
        shown |= {"pid": found["pid"], "url": found["url"], "version": found.get("version", "?")}
        if "secret" in found:
            shown |= summary(found["url"], found["key"], found["secret"])
    return shown


def _of_another() -> dict[str, Any]:
    from cloud.client.key_requests import KeyRequests

    requests = KeyRequests()
    return {"running": True, "url": requests.server, **requests.ask("GET", "summary")}


def _show_jobs(jids: tuple[tuple[range, ...], ...], *, as_json: bool) -> None:
    from cloud.cli import colour
    from cloud.cli.answers import print_json
    from cloud.client import sessions

    wanted = jids_words.together(jids)
    statuses = iter(sessions.active().status(wanted))
    for jid in (jid for those in wanted for jid in those):
        word = next(statuses)
        if as_json:
            print_json({"jid": jid, "status": word})
        else:
            click.echo(f"{jid}  {colour.status(word)}")


def summary(url: str, key: str, secret: str) -> dict[str, Any]:
    """What the server says about itself and the account's jobs.

    Raises:
        CloudException: it does not answer, or refuses to.
    """
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=_TIMEOUT_SECONDS)
    proof = base64.b64encode(f"{key}:{secret}".encode()).decode()
    try:
        connection.request("GET", "/v1/summary", headers={"Authorization": f"Basic {proof}"})
        answer = connection.getresponse()
        value = json.loads(answer.read())
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise ServerUnavailable(
            f"the server at {url} does not answer: {error}", hint="`picloud logs` may say why"
        ) from None
    finally:
        connection.close()
    if "error" in value:
        raise CloudException(value["error"]["msg"], hint=value["error"].get("hint"))
    return dict(value)


def lines_of(shown: dict[str, Any]) -> list[str]:
    """The same for people."""
    if not shown["running"]:
        return ["not running", f"home       {shown['home']}"]
    process = f"process {shown['pid']}, " if "pid" in shown else ""
    lines = [
        f"running    {process}version {shown.get('version', '?')}" + (OLDER if shown.get("older") else ""),
        f"address    {shown['url']}/",
    ]
    if "home" in shown:
        lines.append(f"home       {shown['home']}")
    if "slots" in shown:
        lines.append(f"slots      {shown['slots']}, of which {shown.get('busy', 0)} busy; {shown['workers']} workers")
    if shown.get("trouble"):
        lines.append(f"cluster    away: {table.clean(shown['trouble'])}")
    if shown.get("agents"):
        lines += _agents(shown["agents"])
    if "jobs" in shown:
        there = [f"{number:,} {word}" for word, number in shown["jobs"].items() if number]
        lines.append(f"jobs       {', '.join(there) or 'none'}")
    limits = {name: most for name, most in shown.get("limits", {}).items() if most is not None}
    if limits:
        lines.append(
            f"limits     {', '.join(_limit_text(name, shown['usage'][name], limits[name]) for name in limits)}"
        )
    if "store_bytes" in shown:
        lines.append(
            f"disk       {size_text(shown['store_bytes'])} of jobs, {size_text(shown['blob_bytes'])} of large values"
        )
    return lines


def _agents(agents: list[dict[str, Any]]) -> list[str]:
    """A line for each."""
    headers = ("AGENT", "MACHINE", "TYPE", "SLOTS USED", "STATE", "HEARD")
    rows = [
        (a["name"], a["machine"], a["type"], f"{a['used']} of {a['slots']}", a["state"],
         f"{a['silent_seconds']:.1f} s ago")
        for a in agents
    ]  # fmt: skip
    return ["agents", *(f"  {line}" for line in table.lines_of(headers, rows, gives_way=0))]


def _limit_text(name: str, used: int, most: int) -> str:
    shown = size_text if name == "stored_bytes" else "{:,}".format
    return f"{shown(used)} of {shown(most)} {name.replace('_', ' ').replace('stored bytes', 'stored')}"


def size_text(size: float) -> str:
    """1536 as '1.5 kB'."""
    for unit in ("bytes", "kB", "MB", "GB"):
        if size < 1000:
            return f"{size:.0f} {unit}" if unit == "bytes" else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} TB"
