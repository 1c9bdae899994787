"""picloud why"""

import click

from cloud.cli import jids as jids_words

_EPILOG = """\b
Examples:
  picloud why 17
  picloud jobs --status waiting --jids | picloud why -
"""
_MOST = 1000


@click.command("why", epilog=_EPILOG)
@jids_words.argument()
@click.option("--json", "as_json", is_flag=True, help="A line of JSON for each job.")
def command(jids: tuple[tuple[range, ...], ...], as_json: bool) -> None:
    """Say why jobs do not run yet: dependencies, priorities, slots, ...; or that they run, or how they ended."""
    from cloud.cli.answers import print_json
    from cloud.client import sessions
    from cloud.model.ranges import count

    wanted = jids_words.together(jids)
    number = count(wanted)
    if number > _MOST:
        raise click.UsageError(f"these are {number:,} jobs; ask about {_MOST:,} at most")
    for those in wanted:
        for jid in those:
            reason = sessions.active().why(jid)
            if as_json:
                print_json({"jid": jid, "why": reason})
            else:
                click.echo(reason if number == 1 else f"{jid}: {reason}")
