"""picloud delete"""

import click

from cloud.cli import jids as jids_words

_EPILOG = """\b
Examples:
  picloud delete 17 20-30
  picloud jobs --status killed --jids | picloud delete -
"""


@click.command("delete", epilog=_EPILOG)
@jids_words.argument()
def command(jids: tuple[tuple[range, ...], ...]) -> None:
    """Forget finished jobs, with their results and all that is known of them. It cannot be undone."""
    from cloud.client import sessions

    sessions.active().delete(jids_words.together(jids))
