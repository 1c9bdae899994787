"""picloud result"""

from collections.abc import Iterator
from typing import Any

import click

from cloud.cli import jids as jids_words

_EPILOG = """\b
Examples:
  picloud result 17
  picloud map math:sqrt 1 4 9 | picloud result --json -
  picloud result --timeout 60 --ignore-errors 15-20
"""


@click.command("result", epilog=_EPILOG)
@jids_words.argument()
@click.option("-t", "--timeout", type=float, metavar="SECONDS", help="Give up after this long without a result.")
@click.option("-i", "--ignore-errors", is_flag=True, help="Leave out jobs that failed, and end well.")
@click.option("--json", "as_json", is_flag=True, help="A line of JSON for each job, as it is ready.")
def command(jids: tuple[tuple[range, ...], ...], timeout: float | None, ignore_errors: bool, as_json: bool) -> None:
    """Show what jobs returned; wait for those that are not finished.

    Of a single job: text and bytes just as they are, anything else as Python writes it.
    """
    import os
    import sys

    from cloud.cli.answers import print_results
    from cloud.client import sessions
    from cloud.errors import CloudException
    from cloud.model.ranges import count

    sys.path.append(os.getcwd())  # where the classes of results may be
    wanted = jids_words.together(jids)
    if not wanted:
        return
    number = count(wanted)
    results = sessions.active().iresult(wanted, timeout, ignore_errors=True)

    def pairs() -> Iterator[tuple[int, Any]]:
        for those in wanted:
            for jid in those:
                value = next(results)
                if not (ignore_errors and not as_json and isinstance(value, CloudException)):
                    yield jid, value

    try:
        print_results(pairs(), as_json=as_json, alone=number == 1)
    except CloudException as error:
        if not ignore_errors or error.code == "timeout":
            raise
