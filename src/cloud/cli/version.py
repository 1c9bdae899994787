"""picloud version"""

import platform
from importlib.metadata import PackageNotFoundError, version

import click


def describe_version() -> str:
    """Versions of picloud and of the Python that runs it."""
    try:
        own = version("picloud")
    except PackageNotFoundError:
        own = "0+unknown"
    return f"picloud {own}, {platform.python_implementation()} {platform.python_version()}"


@click.command("version")
def command() -> None:
    """Show the version of picloud and Python."""
    click.echo(describe_version())
