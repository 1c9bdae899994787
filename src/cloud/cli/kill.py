"""picloud kill"""

import sys

import click

from cloud.cli import jids as jids_words

_EPILOG = """\b
Examples:
  picloud kill 17 20-30
  picloud jobs --label nightly --jids | picloud kill -
  picloud kill --all
"""


@click.command("kill", epilog=_EPILOG)
@jids_words.argument(required=False)
@click.option("--all", "everything", is_flag=True, help="All that is not finished, of the whole account.")
@click.option("--force", is_flag=True, help="Without the half second that jobs have to clean up.")
@click.option("-y", "--yes", is_flag=True, help="Do not ask whether --all is meant.")
def command(jids: tuple[tuple[range, ...], ...], everything: bool, force: bool, yes: bool) -> None:
    """End jobs: what runs is interrupted, what waits never starts. Finished jobs stay as they are."""
    if bool(jids) == everything:
        raise click.UsageError("say which jobs, or --all")
    if everything and not yes and sys.stdin.isatty():
        click.confirm("Kill every unfinished job of the account?", abort=True)
    from cloud.client import sessions

    sessions.active().kill(None if everything else jids_words.together(jids), force=force)
