"""picloud call"""

import json
from typing import Any

import click

from cloud.cli.command_options import mistakes_told
from cloud.cli.job_options import job_options
from cloud.cli.proposed import proposed

_EPILOG = """\b
Examples:
  picloud call statistics:mean '[1, 2, 4]' --wait
  picloud call --label nightly report.py:build day=2026-02-01 quiet=true
  picloud call --args '[[1, 2], 3]' tools:combine
"""


@click.command("call", epilog=_EPILOG)
@click.argument("function", metavar="MODULE:FUNCTION", shell_complete=proposed("functions"))
@click.argument("words", nargs=-1, metavar="[ARGUMENT]...")
@click.option("--args", "packed", metavar="JSON", help="All arguments: a list, or an object of named ones.")
@click.option("--text", is_flag=True, help="Take arguments as text, also those that are JSON.")
@click.option("--wait", is_flag=True, help="Wait, and show what it returns.")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@job_options
def command(
    function: str,
    words: tuple[str, ...],
    packed: str | None,
    text: bool,
    wait: bool,
    as_json: bool,
    reserved: dict[str, Any],
) -> None:
    """Run a Python function as a job, and print its jid.

    The function is module:function, or script.py:function; the modules it needs travel with it. An argument is JSON
    where it is JSON (7, true, '[1, 2]', '"7"'), else text; name=value is a keyword argument. After `--`, nothing is an
    option.
    """
    from cloud.cli.answers import print_json, print_results
    from cloud.cli.submitted import waiting_for
    from cloud.cli.target import find_function
    from cloud.cli.words import arguments_of
    from cloud.client import sessions

    positional, named = arguments_of(words, as_text=text) if packed is None else _unpacked(packed, words)
    if mistaken := [name for name in named if name.startswith("_")]:
        raise click.UsageError(f"{mistaken[0]!r} is not an argument of a function: options say what is reserved")
    found = find_function(function)
    with mistakes_told():
        job = sessions.active().call(found, *positional, **named, **reserved)
    if wait:
        with waiting_for([job]):
            ended = _result_of(job)
        print_results([(int(job), ended)], as_json=as_json, alone=True)
    elif as_json:
        print_json({"jid": int(job)})
    else:
        click.echo(str(job))


def _unpacked(packed: str, words: tuple[str, ...]) -> tuple[list[Any], dict[str, Any]]:
    try:
        found = json.loads(packed)
    except ValueError as error:
        raise click.UsageError(f"--args is no JSON: {error}") from None
    if words or not isinstance(found, (list, dict)):
        raise click.UsageError("--args is a list or an object with all arguments, and there are no others")
    return (found, {}) if isinstance(found, list) else ([], found)


def _result_of(job: Any) -> Any:
    from cloud.errors import CloudException

    try:
        return job.result()
    except CloudException as error:
        return error
