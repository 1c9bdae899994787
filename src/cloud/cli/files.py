"""picloud files"""

import sys

import click

from cloud.cli.command_options import mistakes_told
from cloud.cli.proposed import proposed

_EPILOG = """\b
Examples:
  picloud files put measurements.csv
  picloud files get measurements.csv /tmp/
  picloud files list --json | head
"""


@click.group("files", epilog=_EPILOG)
def command() -> None:
    """Put, get and list files beside jobs: `cloud.files` in programs and jobs."""


@command.command("put")
@click.argument("source", metavar="FILE", type=click.Path(allow_dash=True))
@click.argument("name", required=False)
def put(source: str, name: str | None) -> None:
    """Store a file under NAME, else under the last part of its path; `-` is standard input, and needs a NAME."""
    from cloud import files

    if source == "-" and name is None:
        raise click.UsageError("standard input has no name: give one")
    with mistakes_told():
        if source == "-":
            files.putf(sys.stdin.buffer, str(name))
        else:
            files.put(source, name)


@command.command("get")
@click.argument("name", shell_complete=proposed("stored_files"))
@click.argument("destination", required=False, type=click.Path(allow_dash=True))
def get(name: str, destination: str | None) -> None:
    """Write a stored file to DESTINATION, a path or a folder, else here under its NAME; `-` is standard output."""
    from cloud import files

    with mistakes_told():
        if destination != "-":
            files.get(name, destination)
            return
        reader = files.getf(name)
    while piece := reader.read(1 << 20):
        sys.stdout.buffer.write(piece)
    sys.stdout.buffer.flush()


@command.command("list")
@click.argument("prefix", default="", shell_complete=proposed("stored_files"))
@click.option("--json", "as_json", is_flag=True, help="A line of JSON for each.")
def list_files(prefix: str, as_json: bool) -> None:
    """List stored files, or those whose names begin with PREFIX."""
    from urllib.parse import urlencode

    from cloud.cli.answers import print_json
    from cloud.cli.status import size_text
    from cloud.cli.table import lines_of
    from cloud.client.key_requests import KeyRequests

    requests, rows, after = KeyRequests(), [], ""
    while found := requests.ask("GET", f"files?{urlencode({'prefix': prefix, 'after': after})}")["files"]:
        after = found[-1]["name"]
        if as_json:
            for file in found:
                print_json(file)
        else:
            rows += [[file["name"], size_text(file["size_bytes"]), file["md5"]] for file in found]
    if rows:
        click.echo(
            "\n".join(lines_of(("NAME", "SIZE", "MD5"), rows, gives_way=0, whole=(1, 2), spare=(2,), right=(1,)))
        )
    elif not as_json:
        click.echo("no files", err=True)


@command.command("delete")
@click.argument("names", nargs=-1, required=True, metavar="NAME...", shell_complete=proposed("stored_files"))
def delete(names: tuple[str, ...]) -> None:
    """Forget stored files. Ends with 3 when one is not there; the others are forgotten."""
    from cloud import files
    from cloud.errors import FileNotFound

    missing = []
    for name in names:
        try:
            with mistakes_told():
                files.delete(name)
        except FileNotFound as error:
            missing.append(error)
    for one in missing[:-1]:
        click.echo(f"picloud: {one.parameter}", err=True)
    if missing:
        raise missing[-1]


@command.command("md5")
@click.argument("name", shell_complete=proposed("stored_files"))
def md5(name: str) -> None:
    """Show the MD5 of a stored file."""
    from cloud import files

    with mistakes_told():
        click.echo(files.get_md5(name))
