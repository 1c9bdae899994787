"""The command line's root: which commands there are, and how errors end it."""

import errno
import importlib
import io
import os
import signal
import sys
from collections.abc import Sequence
from typing import Any

import click

from cloud.cli.before import options_before, take

GROUPS = {
    "Jobs": {
        "call": "Run a Python function as a job.",
        "map": "Run it once for each of many items.",
        "exec": "Run a shell command as a job.",
        "mapexec": "Run it once for each of many values.",
        "jobs": "List what was submitted.",
        "top": "Show what goes on, live.",
        "result": "Show what jobs returned.",
        "info": "Show what is known of jobs.",
        "output": "Show what a job prints.",
        "why": "Say why a job does not run yet.",
        "stack": "Show where a running job is.",
        "join": "Wait until jobs are finished.",
        "wait-for": "Wait until jobs come to a status.",
        "kill": "End jobs.",
        "rerun": "Run finished jobs once more.",
        "delete": "Forget finished jobs.",
    },
    "Around jobs": {
        "files": "Put, get and list files beside jobs.",
        "keys": "Make and manage keys.",
        "dashboard": "Open the web view of jobs.",
    },
    "Server": {
        "start": "Start the server of this user and machine.",
        "stop": "Stop it; what it knows stays.",
        "status": "Show whether it runs; or the status of jobs.",
        "logs": "Show what it wrote down.",
        "serve": "Run a server in the foreground.",
        "accounts": "Make, limit and close accounts of a team.",
    },
    "Settings": {
        "setup": "Say which server to use, and with which key.",
        "config": "Show settings, and where they come from.",
        "completion": "Print a script that completes commands.",
        "version": "Show the version.",
    },
}
"""Each is `cloud.cli.<name>.command`, with `_` for `-`, imported only when it is called, so that help is instant."""

COMMANDS = {name: about for group in GROUPS.values() for name, about in group.items()}

EXIT_UNEXPECTED = 1
EXIT_SERVICE = 3
"""The service or a job reported an error (SPEC F)."""
EXIT_INTERRUPTED = 130
"""By Ctrl-C, as shells say it."""


class Commands(click.Group):
    """Finds commands by name."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = importlib.import_module(f"cloud.cli.{cmd_name.replace('-', '_')}").command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args[:1] == ["help"]:
            if len(args) == 1:
                click.echo(ctx.get_help())
                ctx.exit(0)
            args = [*args[1:], "--help"]
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            import difflib

            from cloud.cli.gone import INSTEAD

            if args[0] in INSTEAD:
                ctx.fail(f"there is no command {args[0]!r} any more: {INSTEAD[args[0]]}")
            near = difflib.get_close_matches(args[0], COMMANDS, 1)
            meant = f"; did you mean {near[0]!r}?" if near else "; `picloud --help` lists them"
            ctx.fail(f"there is no command {args[0]!r}{meant}")
        return super().resolve_command(ctx, args)

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        self.format_commands(ctx, formatter)
        click.Command.format_options(self, ctx, formatter)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        width = max(map(len, COMMANDS))
        for title, commands in GROUPS.items():
            with formatter.section(title):
                formatter.write_dl([(name.ljust(width), about) for name, about in commands.items()])


EPILOG = """\b
Examples:
  picloud call statistics:mean '[1, 2, 4]' --wait
  picloud exec make -j4 | xargs picloud result
  picloud jobs --status error --since 1d
"""


@click.group(
    cls=Commands,
    context_settings={"help_option_names": ["-h", "--help"]},
    invoke_without_command=True,
    epilog=EPILOG,
)
@options_before
@click.option("--version", is_flag=True, help="Show the version of picloud and Python.")
@click.pass_context
def root(ctx: click.Context, /, version: bool, **given: Any) -> None:
    """picloud: any Python function becomes a durable job."""
    if version:
        from cloud.cli.version import describe_version

        click.echo(describe_version())
        ctx.exit(0)
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help())
        ctx.exit(1)
    take(ctx, given)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and exit: 0 well, 1 unexpected error, 2 wrong usage, 3 service or job error."""
    sys.stdin, sys.stdout, sys.stderr = (
        stream or open(os.devnull, mode)
        for stream, mode in ((sys.stdin, "r"), (sys.stdout, "w"), (sys.stderr, "w"))  # closed by who called us
    )
    _survive_odd_texts()
    try:
        if signal.getsignal(signal.SIGINT) is signal.SIG_DFL:  # see cloud.cli
            signal.signal(signal.SIGINT, signal.default_int_handler)
        status = _run(arguments)
        sys.stdout.flush()
    except KeyboardInterrupt:
        status = EXIT_INTERRUPTED
    except BrokenPipeError:
        status = EXIT_UNEXPECTED
    if status in (EXIT_INTERRUPTED, EXIT_UNEXPECTED):
        _close_output()
    sys.exit(status)


def _survive_odd_texts() -> None:
    """Better a text with question marks than none; names of files that are no UTF-8 come in as they do as arguments."""
    for stream, errors in ((sys.stdin, "surrogateescape"), (sys.stdout, "replace"), (sys.stderr, "replace")):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors=errors)


def _run(arguments: Sequence[str] | None) -> int:
    from cloud.cli import messages
    from cloud.errors import CloudException

    if "_PICLOUD_COMPLETE" in os.environ:
        from cloud.cli.shells import register

        register()
    else:
        from cloud.cli.narrow import fit_terminal
        from cloud.cli.trouble import tell_of_trouble

        fit_terminal()
        tell_of_trouble()
    try:
        given = None if arguments is None else list(arguments)
        ended = root.main(args=given, prog_name="picloud", standalone_mode=False)
        return ended if isinstance(ended, int) else 0
    except click.UsageError as error:
        path = error.ctx.command_path if error.ctx is not None else "picloud"
        said = messages.of_usage(error)
        click.echo(said if said.startswith("Usage: ") else f"{path}: {said}", err=True)
        return error.exit_code
    except click.ClickException as error:
        click.echo(f"picloud: {error.format_message()}", err=True)
        return error.exit_code
    except click.Abort:
        return EXIT_INTERRUPTED
    except CloudException as error:
        click.echo(f"picloud: {messages.of_job(error)}", err=True)
        return EXIT_SERVICE
    except OSError as error:
        if error.errno == errno.EPIPE:
            raise BrokenPipeError from None
        what = f"{error.filename}: {error.strerror}" if error.filename else error.strerror or str(error)
        click.echo(f"picloud: {what}", err=True)
        return EXIT_UNEXPECTED


def _close_output() -> None:
    """Nobody reads any more what is still to be written; let Python not complain about that at its end."""
    try:
        sys.stdout.flush()
    except (OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
