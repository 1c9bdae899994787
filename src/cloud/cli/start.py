"""picloud start"""

import click

from cloud.cli.embedded import card
from cloud.config import ConfigError, Settings


@click.command("start")
@click.option("--python", metavar="PATH", help="Add workers of another Python interpreter.")
def command(python: str | None) -> None:
    """Start the server of this user and machine, if it does not run, and say where it is."""
    if python is not None:
        raise ConfigError(
            f"--python is {python!r}; this version cannot add interpreters by hand",
            hint="leave it out: a program's jobs run on the interpreter of that program",
        )
    from cloud.client.embedded import find_or_start

    before = card().get("pid")
    find_or_start(Settings.current())
    found = card()
    word = "running" if found.get("pid") == before else "started"
    click.echo(f"{word}: {found.get('url')}/ (process {found.get('pid')})")
