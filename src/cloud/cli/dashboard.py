"""picloud dashboard"""

import json
import os
import sys

import click

from cloud.cli.jids import Jid

_EPILOG = """\b
Examples:
  picloud dashboard
  picloud dashboard --no-open
  picloud dashboard 17
  picloud dashboard "$(picloud map math:sqrt 1 4 9)"
"""


@click.command("dashboard", epilog=_EPILOG)
@click.argument("jids", required=False, type=Jid(), metavar="[JIDS]")
@click.option("--json", "as_json", is_flag=True, help="The address, as JSON.")
@click.option("--no-open", is_flag=True, help="Only say where it is.")
def command(jids: tuple[range, ...] | None, no_open: bool, as_json: bool) -> None:
    """Open the dashboard in a browser, signed in, and show its address: a link that is good once, for five minutes.

    With JIDS, it opens where they are: the page of a job, or of a map.
    """
    from cloud.client.key_requests import KeyRequests

    requests = KeyRequests()
    made = requests.ask("POST", "dashboard-links", {})
    url = requests.server + made["path"]
    if jids:
        url += f"?next={'jobs' if jids == (range(jids[0].start, jids[0].start + 1),) else 'maps'}/{jids[0].start}"
    click.echo(json.dumps({"url": url}) if as_json else url)
    if not no_open and has_screen():
        import webbrowser

        webbrowser.open(url)


def has_screen() -> bool:
    """Whether a browser would open a window, not take over this terminal."""
    return sys.platform == "darwin" or bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
