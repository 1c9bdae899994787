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
@click.option("--json", "as_json", is_flag=True, help="A line of JSON for each job, or for each piece as it comes.")
def command(jids: tuple[tuple[range, ...], ...], follow: bool, stream: str, as_json: bool) -> None:
    """Show what jobs printed, also while they run: the last 1,000 lines. Ctrl-C ends the look, not the job."""
    from cloud.client import sessions

    session = sessions.active()
    for those in jids_words.together(jids):
        for jid in those:
            if follow:
                for piece in session.output(jid, stream, follow=True):
                    _show(jid, stream, piece, as_json=as_json)
            else:
                _show(jid, stream, session.output(jid, stream), as_json=as_json)


def _show(jid: int, stream: str, text: str, *, as_json: bool) -> None:
    if as_json:
        from cloud.cli.answers import print_json

        print_json({"jid": jid, stream: text})
        return
    sys.stdout.buffer.write(text.encode(errors="surrogateescape"))
    sys.stdout.flush()
