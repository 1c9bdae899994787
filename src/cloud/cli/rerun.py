"""picloud rerun"""

import click

from cloud.cli import jids as jids_words

_EPILOG = """\b
Examples:
  picloud rerun 17
  picloud jobs --label nightly --status error --jids | picloud rerun -
  picloud rerun 15-20 | picloud result -
"""


@click.command("rerun", epilog=_EPILOG)
@jids_words.argument()
@click.option("--json", "as_json", is_flag=True, help="A line of JSON for each new call or map.")
def command(jids: tuple[tuple[range, ...], ...], as_json: bool) -> None:
    """Run finished jobs once more, as new ones with the same function, arguments and settings, and print their jids."""
    from cloud.cli.submitted import print_jids
    from cloud.client import sessions
    from cloud.client.jobs import Jobs

    wanted = jids_words.together(jids)
    if not wanted:
        return
    made = sessions.active().rerun(wanted)
    for jobs in [made] if isinstance(made, Jobs) else made:
        print_jids(jobs, as_json=as_json)
