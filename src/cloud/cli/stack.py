"""picloud stack"""

import click

from cloud.cli import jids as jids_words

_EPILOG = """\b
Examples:
  picloud stack 17
  picloud jobs --status processing --jids | picloud stack -
"""


@click.command("stack", epilog=_EPILOG)
@jids_words.argument()
@click.option("--json", "as_json", is_flag=True, help="A line of JSON for each job.")
def command(jids: tuple[tuple[range, ...], ...], as_json: bool) -> None:
    """Show where running jobs are just now: the Python stacks of all their threads. They are not disturbed."""
    from cloud.cli.answers import print_json
    from cloud.client import sessions
    from cloud.errors import CloudException, JobNotRunning
    from cloud.model.ranges import count

    wanted = jids_words.together(jids)
    alone, failed = count(wanted) == 1, []
    for jid in (jid for those in wanted for jid in those):
        try:
            found = sessions.active().stack(jid)
        except JobNotRunning as error:  # one of several may just have ended
            if alone:
                raise
            failed.append(jid)
            click.echo(f"picloud: {error}", err=True)
            continue
        if as_json:
            print_json({"jid": jid, "stack": found})
        else:
            click.echo(found if alone else f"Stack of job {jid}:\n{found}")
    if failed:
        raise CloudException(f"{len(failed)} of the jobs have no stack")
