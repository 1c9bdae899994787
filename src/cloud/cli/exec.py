"""picloud exec"""

from typing import Any

import click

from cloud.cli.command_options import SETTINGS, command_of, command_options, mistakes_told
from cloud.cli.job_options import job_options

_EPILOG = """\b
Examples:
  picloud exec 'make -j4 && make test'
  picloud exec -d table=@data.csv 'wc -l < {table}' | xargs picloud result
  picloud exec --wait -r out.png -d photo=@a.jpg convert {photo} out.png > out.png
"""


@click.command("exec", epilog=_EPILOG, context_settings=SETTINGS)
@click.argument("words", nargs=-1, required=True, metavar="COMMAND...", type=click.Path())
@command_options
@click.option("--wait", is_flag=True, help="Wait, and show the result.")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@job_options
def command(
    words: tuple[str, ...],
    data: tuple[str, ...],
    return_file: str | None,
    ignore_exit_status: bool,
    workdir: str | None,
    wait: bool,
    as_json: bool,
    reserved: dict[str, Any],
) -> None:
    """Run a shell command as a job, and print its jid.

    Options come before the command. It is run by bash; {NAME} in it stands for what -d says, and braces around anything
    else are the shell's. The result is what it writes to standard output. An exit status other than 0 is an error.
    """
    from cloud.cli.answers import print_json, print_results
    from cloud.cli.submitted import waiting_for
    from cloud.cli.words import bindings_of
    from cloud.errors import CloudException
    from cloud.shell import execute

    values = bindings_of(data, "-d")
    with mistakes_told():
        job = execute(command_of(words), values, return_file, ignore_exit_status, workdir, **reserved)
    if wait:
        try:
            with waiting_for([job]):
                found = job.result()
        except CloudException as error:
            found = error
        print_results([(int(job), found)], as_json=as_json, alone=True)
    elif as_json:
        print_json({"jid": int(job)})
    else:
        click.echo(str(job))
