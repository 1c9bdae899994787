"""picloud map"""

import sys
from collections.abc import Iterable, Iterator
from typing import Any

import click

from cloud.cli.command_options import mistakes_told
from cloud.cli.job_options import job_options
from cloud.cli.proposed import proposed

_EPILOG = """\b
Examples:
  picloud map images.py:shrink photos/*.jpg
  ls photos/*.jpg | picloud map images.py:shrink -
  picloud map --wait --json math:sqrt 1 4 9
"""


@click.command("map", epilog=_EPILOG)
@click.argument("function", metavar="MODULE:FUNCTION", shell_complete=proposed("functions"))
@click.argument("items", nargs=-1, required=True, metavar="ITEM...", type=click.Path(allow_dash=True))
@click.option("--text", is_flag=True, help="Take items as text, also those that are JSON.")
@click.option("--wait", is_flag=True, help="Wait, and show what they return, in order.")
@click.option("--json", "as_json", is_flag=True, help="As JSON; with --wait a line for each job.")
@job_options
def command(
    function: str, items: tuple[str, ...], text: bool, wait: bool, as_json: bool, reserved: dict[str, Any]
) -> None:
    """Run a Python function as a job for each item, and print their jids.

    The function is as for `picloud call`. An item is JSON where it is JSON, else text; `-` stands for the lines of
    standard input. There is no limit to how many there are. After `--`, nothing is an option.
    """
    from cloud.cli.answers import print_results
    from cloud.cli.submitted import print_jids, waiting_for
    from cloud.cli.target import find_function
    from cloud.cli.words import value_of
    from cloud.client import sessions

    found = find_function(function)
    session = sessions.active()
    with mistakes_told():
        jobs = session.map(found, (value_of(item, as_text=text) for item in _all(items)), **reserved)
    if wait:
        results = session.iresult(jobs, ignore_errors=True) if jobs else ()
        with waiting_for(jobs):
            print_results(zip(jobs, results, strict=True), as_json=as_json, alone=False)
    else:
        print_jids(jobs, as_json=as_json)


def _all(items: Iterable[str]) -> Iterator[str]:
    for item in items:
        if item == "-":
            yield from (line.rstrip("\n") for line in sys.stdin if line.strip())
        else:
            yield item
