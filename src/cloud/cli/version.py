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


_EPILOG = """\b
Example:
  picloud version
"""


@click.command("version", epilog=_EPILOG)
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def command(as_json: bool) -> None:
    """Show the version of picloud and Python."""
    if as_json:
        import json

        own, python = describe_version().split(", ")
        click.echo(json.dumps({"picloud": own.split()[1], "python": python.split()[1]}))
    else:
        click.echo(describe_version())
