"""picloud wait-for"""

import click

from cloud.cli import colour
from cloud.cli import jids as jids_words

_EPILOG = """\b
Examples:
  picloud wait-for 17 --status processing && picloud stack 17
  picloud wait-for 15-20 --timeout 600
  picloud exec make | picloud wait-for - --status done && echo all is well
"""
_WORDS = ("waiting", "queued", "processing", "done", "error", "killed", "stalled", "finished", "failed")


class _WaitFor(click.Command):
    """Takes PiCloud's words as well: `wait-for status JID STATUS`."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if args[:1] == ["status"] and len(args) > 2:
            args = [args[1], "--status", *args[2:]]
        elif args[:1] == ["port"]:
            ctx.fail(
                "a job has no ports of its own: what it opens is open on the machine that it runs on, which "
                "`picloud info -o machine JID` names"
            )
        return super().parse_args(ctx, args)


@click.command("wait-for", cls=_WaitFor, epilog=_EPILOG)
@jids_words.argument()
@click.option(
    "-s", "--status", "words", type=click.Choice(_WORDS), multiple=True, default=["finished"],
    metavar="STATUS", help=f"What to wait for, any of several: {', '.join(_WORDS)}.  [default: finished]",
)  # fmt: skip
@click.option("-t", "--timeout", type=click.FloatRange(0), metavar="SECONDS", help="Give up after this long.")
@click.option("--json", "as_json", is_flag=True, help="A line of JSON for each job.")
def command(
    jids: tuple[tuple[range, ...], ...], words: tuple[str, ...], timeout: float | None, as_json: bool
) -> None:  # fmt: skip
    """Wait until jobs come to a status, and show each that does. Ends with 3 when one cannot come to it any more.

    What a job is for less than half a second may be missed. PiCloud's `wait-for status JID STATUS` means the same.
    """
    from cloud.cli.answers import print_json
    from cloud.cli.awaiting import WORDS, arrivals
    from cloud.client import sessions
    from cloud.model.ranges import count

    wanted = jids_words.together(jids)
    targets = frozenset().union(*(WORDS[word] for word in words))
    alone = count(wanted) == 1
    for jid, status in arrivals(sessions.active(), wanted, targets, timeout) if wanted else ():
        if as_json:
            print_json({"jid": jid, "status": status.word})
        else:
            click.echo(status.word if alone else f"{jid}  {colour.status(status.word)}")
