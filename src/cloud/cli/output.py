"""picloud output"""

import sys

import click

from cloud.cli import jids as jids_words

_EPILOG = """\b
Examples:
  picloud output 17
  picloud output --follow 17
  picloud output --stream stderr 17 | less
"""


@click.command("output", epilog=_EPILOG)
@jids_words.argument()
@click.option("-f", "--follow", is_flag=True, help="Go on showing what is added, until the job is finished.")
@click.option(
    "--stream", type=click.Choice(["stdout", "stderr", "logging"]), default="stdout", show_default=True,
    help="Which of its outputs.",
)  # fmt: skip
def command(jids: tuple[tuple[range, ...], ...], follow: bool, stream: str) -> None:
    """Show what jobs printed, also while they run: the last 1,000 lines. Ctrl-C ends the look, not the job."""
    from cloud.client import sessions

    session = sessions.active()
    for those in jids_words.together(jids):
        for jid in those:
            if follow:
                for piece in session.output(jid, stream, follow=True):
                    _show(piece)
            else:
                _show(session.output(jid, stream))


def _show(text: str) -> None:
    sys.stdout.buffer.write(text.encode(errors="surrogateescape"))
    sys.stdout.flush()
