"""picloud stop"""

import os
import signal

import click

from cloud.cli.embedded import card, starting_locked, state_folder
from cloud.config.processes import wait_for_end
from cloud.errors import ServerUnavailable

_PATIENCE_SECONDS = 20.0


_EPILOG = """\b
Examples:
  picloud stop
  picloud stop && picloud start
"""


@click.command("stop", epilog=_EPILOG)
@click.option("--force", is_flag=True, help="Kill it at once; what runs is found lost at the next start.")
def command(force: bool) -> None:
    """Stop the server of this user and machine. Jobs that run go back into the queue, if they may."""
    with starting_locked(state_folder()):
        pid = int(card().get("pid", 0))
        if not pid:
            click.echo("no server is running")
            return
        try:
            os.kill(pid, signal.SIGKILL if force else signal.SIGTERM)
        except ProcessLookupError:
            pass
        if not wait_for_end(pid, _PATIENCE_SECONDS):
            raise ServerUnavailable(
                f"the server (process {pid}) is still going after {_PATIENCE_SECONDS:.0f} seconds",
                hint="`picloud stop --force` kills it; nothing that was stored is lost",
            )
    click.echo(f"stopped (process {pid})")
