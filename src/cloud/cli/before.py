"""Options that stand before the command: which server, who asks, how answers look (SPEC F)."""

import os
from collections.abc import Callable
from typing import Any

import click

Decorated = Callable[..., Any]

SIMULATED = ("call", "map", "exec", "mapexec")
"""Commands that can do without a server."""
_HERE = ("start", "stop")
_LEVELS = ("INFO", "DEBUG")


def options_before(command: Decorated) -> Decorated:
    """Adds them."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


_OPTIONS = (
    click.option("--url", metavar="URL", help="The server to use, as PICLOUD_URL names it."),
    click.option("-a", "--api-key", metavar="KEY", help="Who asks, as PICLOUD_API_KEY says it."),
    click.option("-k", "--api-secretkey", metavar="SECRET", help="The key's secret, if it is not known here."),
    click.option(
        "-o", "--output", type=click.Choice(["default", "json", "no-header"]), default="default",
        help="JSON, or no header above tables.",
    ),
    click.option("-s", "--simulate", is_flag=True, help="Run the jobs here and now, without a server, and wait."),
    click.option("-v", "--verbose", count=True, help="Say more, on standard error; -vv still more."),
)  # fmt: skip


def take(ctx: click.Context, given: dict[str, Any]) -> None:
    """Let them hold for the command that follows; they win over the environment."""
    from cloud.config.values import VALUES

    named = {name: given[name] for name in ("url", "api_key", "api_secretkey") if given[name] is not None}
    if named and "PICLOUD_JOB_TOKEN" in os.environ:
        ctx.fail("in a job, `picloud` speaks to the job's own server, for the job's account")
    if "api_secretkey" in named and "api_key" not in named:
        ctx.fail("--api-secretkey is the secret of an --api-key: give both")
    if "url" in named and ctx.invoked_subcommand in _HERE:
        ctx.fail(f"`picloud {ctx.invoked_subcommand}` is about the server of this user and machine: it takes no --url")
    if "api_secretkey" not in named and named.get("api_key", "") not in ("", os.environ.get("PICLOUD_API_KEY")):
        os.environ.pop("PICLOUD_API_SECRETKEY", None)  # which is another key's
    for name, text in named.items():
        _set(ctx, name, text)
    if given["verbose"]:
        from cloud.config import log

        _set(ctx, "print_log_level", _LEVELS[min(given["verbose"], len(_LEVELS)) - 1])
        log.set_up()
    wanted = {"as_json": True} if given["output"] == "json" else {}
    if given["simulate"]:
        if ctx.invoked_subcommand not in SIMULATED:
            ctx.fail(
                f"--simulate goes with {', '.join(SIMULATED[:-1])} and {SIMULATED[-1]}: no other command knows its jobs"
            )
        _set(ctx, "use_simulator", "true")
    if ctx.invoked_subcommand in SIMULATED and VALUES.safe("use_simulator"):
        wanted["wait"] = True  # its jobs end with the program
    if wanted and ctx.invoked_subcommand is not None:
        ctx.default_map = {ctx.invoked_subcommand: _defaults(ctx, ctx.invoked_subcommand, wanted)}


def wants_headers() -> bool:
    """Whether tables have a first line with the names of their columns."""
    ctx = click.get_current_context(silent=True)
    return ctx is None or ctx.find_root().params.get("output") != "no-header"


def _set(ctx: click.Context, name: str, text: str) -> None:
    from cloud.config.options import BY_NAME, ConfigError

    option = BY_NAME[name]
    try:
        option.read(text, f"--{name.replace('_', '-')}")
    except ConfigError as error:
        ctx.fail(error.parameter)
    os.environ[option.environment] = text


def _defaults(ctx: click.Context, name: str, wanted: dict[str, Any]) -> dict[str, Any]:
    """What options are that were not given; of a group, those of the commands in it."""
    command = ctx.command.get_command(ctx, name) if isinstance(ctx.command, click.Group) else None
    if isinstance(command, click.Group):
        return dict.fromkeys(command.list_commands(ctx), wanted)
    return wanted
