"""The command line's root: which commands there are, and how errors end it."""

import importlib
import sys
from collections.abc import Sequence

import click

COMMANDS = {
    "start": "Start the server of this user and machine.",
    "stop": "Stop it; what it knows stays.",
    "status": "Show whether it runs, and its jobs.",
    "logs": "Show what it wrote down.",
    "dashboard": "Open the web view of jobs.",
    "serve": "Run a server in the foreground.",
    "version": "Show the version.",
}
"""Each is `cloud.cli.<name>.command`, imported only when it is called, so that help is instant."""

EXIT_SERVICE = 3
"""The service or a job reported an error (SPEC F)."""


class Commands(click.Group):
    """Finds commands by name."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = importlib.import_module(f"cloud.cli.{cmd_name}").command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]}, invoke_without_command=True)
@click.option("--version", is_flag=True, help="Show the version of picloud and Python.")
@click.pass_context
def root(ctx: click.Context, version: bool) -> None:
    """picloud: any Python function becomes a durable job."""
    if version:
        from cloud.cli.version import describe_version

        click.echo(describe_version())
        ctx.exit(0)
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help())
        ctx.exit(1)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and exit: 0 well, 1 unexpected error, 2 wrong usage, 3 service or job error."""
    from cloud.errors import CloudException

    try:
        root.main(args=None if arguments is None else list(arguments), prog_name="picloud", standalone_mode=True)
    except CloudException as error:
        click.echo(f"picloud: {error}", err=True)
        sys.exit(EXIT_SERVICE)
