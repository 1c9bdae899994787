"""picloud mapexec"""

import os
import re
from typing import Any

import click

from cloud.cli.command_options import SETTINGS, command_of, command_options, mistakes_told
from cloud.cli.job_options import job_options

_EPILOG = """\b
Examples:
  picloud mapexec -n seed=1,2,3 -d model=@model.bin ./train {seed} {model}
  picloud mapexec -N photo=photos.txt -r out.png convert {photo} out.png
  picloud mapexec -k 100 ./simulate
"""


@click.command("mapexec", epilog=_EPILOG, context_settings=SETTINGS)
@click.argument("words", nargs=-1, required=True, metavar="COMMAND...", type=click.Path())
@click.option(
    "-n", "--each", metavar="NAME=V1,V2", multiple=True, help=r"A job for each of these values; \, is a comma."
)
@click.option(
    "-N", "--each-line", metavar="NAME=FILE", multiple=True, help="A job for each line of a file; `-`: stdin."
)
@click.option("-k", "--copies", type=click.IntRange(1), metavar="N", help="N jobs of the same command.")
@command_options
@click.option("--wait", is_flag=True, help="Wait, and show the results, in order.")
@click.option("--json", "as_json", is_flag=True, help="As JSON; with --wait a line for each job.")
@job_options
def command(
    words: tuple[str, ...],
    each: tuple[str, ...],
    each_line: tuple[str, ...],
    copies: int | None,
    data: tuple[str, ...],
    return_file: str | None,
    ignore_exit_status: bool,
    workdir: str | None,
    wait: bool,
    as_json: bool,
    reserved: dict[str, Any],
) -> None:
    """Run a shell command as a job for each of many values, and print their jids.

    As `picloud exec`; {NAME} can also stand for what -n or -N say, which differs from job to job. Several of these go
    side by side. In a file of -N, empty lines are skipped, and an @PATH is beside the file.
    """
    from cloud.cli.answers import print_results
    from cloud.cli.submitted import print_jids, waiting_for
    from cloud.cli.words import bindings_of
    from cloud.client import sessions
    from cloud.shell import execute_map
    from cloud.shell.command import COPY

    values = _values(each, each_line)
    text = command_of(words)
    if copies is not None:
        if values:
            raise click.UsageError("-k makes copies of one job; -n and -N make different ones")
        values = {"copy_number": [str(number) for number in range(copies)]}
        text = text if "{copy_number}" in text else f"{COPY}{text}"
    if not values:
        raise click.UsageError("say with -n, -N or -k which jobs to make")
    with mistakes_told():
        common = bindings_of(data, "-d")
        jobs = execute_map(text, common, values, return_file, ignore_exit_status, workdir, **reserved)
    if wait:
        results = sessions.active().iresult(jobs, ignore_errors=True) if jobs else ()
        with waiting_for(jobs):
            print_results(zip(jobs, results, strict=True), as_json=as_json, alone=False)
    else:
        print_jids(jobs, as_json=as_json)


def _values(each: tuple[str, ...], each_line: tuple[str, ...]) -> dict[str, list[str]]:
    """The values of each variable."""
    from cloud.cli.words import bindings_of, listed

    found = {name: listed(text) for name, text in bindings_of(each, "-n").items()}
    for name, path in bindings_of(each_line, "-N").items():
        if name in found:
            raise click.UsageError(f"-n and -N both say what {name} is")
        found[name] = _lines(path)
    return found


def _lines(path: str) -> list[str]:
    try:
        file = click.open_file(path)
    except OSError as error:
        raise click.UsageError(f"-N: {path}: {error.strerror}") from None
    with file:
        found = [line.rstrip("\r\n") for line in file if line.strip()]
    folder = os.path.dirname(path)
    return [f"@{os.path.join(folder, line[1:])}" if re.match("@(?!@)", line) else line for line in found]
