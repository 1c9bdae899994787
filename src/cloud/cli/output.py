"""picloud output"""

import sys

import click

from cloud.cli import jids as jids_words

_EPILOG = """\b
Examples:
  picloud output 17
  picloud output --stream stderr 17 | less
"""


@click.command("output", epilog=_EPILOG)
@jids_words.argument()
@click.option(
    "--stream", type=click.Choice(["stdout", "stderr", "logging"]), default="stdout", show_default=True,
    help="Which of its outputs.",
)  # fmt: skip
def command(jids: tuple[tuple[range, ...], ...], stream: str) -> None:
    """Show what jobs printed, also while they run: the last 1,000 lines."""
    from cloud.client import sessions

    wanted = jids_words.together(jids)
    for found in sessions.active().info(wanted, [stream]).values():
        sys.stdout.buffer.write((found[stream] or "").encode(errors="surrogateescape"))
    sys.stdout.flush()
