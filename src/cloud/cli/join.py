"""picloud join"""

import click

from cloud.cli import jids as jids_words

_EPILOG = """\b
Examples:
  picloud join 15-20 && echo all is well
  picloud exec make | picloud join --timeout 600 -
"""


@click.command("join", epilog=_EPILOG)
@jids_words.argument()
@click.option("-t", "--timeout", type=float, metavar="SECONDS", help="Give up after this long.")
@click.option("-i", "--ignore-errors", is_flag=True, help="Wait for all, also when some fail, and end well.")
def command(jids: tuple[tuple[range, ...], ...], timeout: float | None, ignore_errors: bool) -> None:
    """Wait until jobs are finished. Ends with 3 as soon as one failed."""
    from cloud.client import sessions

    sessions.active().join(jids_words.together(jids), timeout, ignore_errors)
