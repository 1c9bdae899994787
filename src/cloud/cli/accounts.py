"""picloud accounts"""

from typing import Any

import click

from cloud.cli.proposed import proposed

_EPILOG = """\b
Examples:
  picloud accounts list
  picloud accounts add 'night shift'
  picloud accounts limit 'night shift' --slots 4 --queued-jobs 100000
  picloud accounts disable 'night shift'
"""
_LIMITS = ("slots", "queued_jobs", "stored_bytes", "files")


@click.group("accounts", epilog=_EPILOG)
def command() -> None:
    """Make, limit and close the accounts of a team's server, with an administrator's key."""


@command.command("list")
@click.option("--json", "as_json", is_flag=True, help="A line of JSON for each.")
def list_accounts(as_json: bool) -> None:
    """List accounts: what each has, of what it may have."""
    from cloud.cli.answers import print_json
    from cloud.cli.table import lines_of
    from cloud.client.key_requests import KeyRequests

    found = KeyRequests().ask("GET", "accounts")["accounts"]
    if as_json:
        for account in found:
            print_json(account)
        return
    rows = [[str(one["account"]), one["name"], _state(one), *(_of(one, name) for name in _LIMITS)] for one in found]
    headers = ("ACCOUNT", "NAME", "STATE", "SLOTS", "QUEUED JOBS", "STORED", "FILES")
    click.echo("\n".join(lines_of(headers, rows, gives_way=1, whole=(0,), spare=(6, 5, 4))))


@command.command("add")
@click.argument("name")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def add(name: str, as_json: bool) -> None:
    """Make an account. The secret of its first key is shown this once, and kept on this machine."""
    from cloud.cli.answers import print_json
    from cloud.client.credentials import keep_secret
    from cloud.client.key_requests import KeyRequests

    if not name.strip():
        raise click.UsageError("an account needs a name")
    requests = KeyRequests()
    made = requests.ask("POST", "accounts", {"name": name})
    keep_secret(requests.home, made["api_key"], made["api_secretkey"], requests.url)
    if as_json:
        print_json(made)
        return
    click.echo(f"# account {made['account']}, {made['name']}")
    click.echo(f"PICLOUD_API_KEY={made['api_key']}")
    click.echo(f"PICLOUD_API_SECRETKEY={made['api_secretkey']}")


@command.command("limit")
@click.argument("account", shell_complete=proposed("accounts"))
@click.option("--slots", metavar="NUMBER", help="Slots at a time.")
@click.option("--queued-jobs", metavar="NUMBER", help="Jobs that no worker has taken yet.")
@click.option("--stored-bytes", metavar="NUMBER", help="Arguments, results and output of jobs, and files.")
@click.option("--files", metavar="NUMBER", help="Files of cloud.files.")
def limit(account: str, **limits: str | None) -> None:
    """Say how much an account may have at a time: a number, 'none' for no limit, or 'default' for the server's.

    ACCOUNT is a number or a name. Limits that are not given stay as they are.
    """
    given = {name: _limit(name, text) for name, text in limits.items() if text is not None}
    if not given:
        raise click.UsageError("which limit? --slots, --queued-jobs, --stored-bytes or --files")
    _show(_change(account, {"limits": given}))


@command.command("rename")
@click.argument("account", shell_complete=proposed("accounts"))
@click.argument("name")
def rename(account: str, name: str) -> None:
    """Give an account another name."""
    _show(_change(account, {"name": name}))


@command.command("promote")
@click.argument("account", shell_complete=proposed("accounts"))
@click.option("--back", is_flag=True, help="Make it a plain account again.")
def promote(account: str, back: bool) -> None:
    """Make an account an administrator's: it sees all accounts and changes them."""
    _show(_change(account, {"administrator": not back}))


@command.command("disable")
@click.argument("account", shell_complete=proposed("accounts"))
def disable(account: str) -> None:
    """Refuse all keys of an account from now on. Its jobs go on."""
    _show(_change(account, {"active": False}))


@command.command("enable")
@click.argument("account", shell_complete=proposed("accounts"))
def enable(account: str) -> None:
    """Let the keys of an account be used again."""
    _show(_change(account, {"active": True}))


def _change(account: str, changes: dict[str, Any]) -> dict[str, Any]:
    from urllib.parse import quote

    from cloud.client.key_requests import KeyRequests

    return KeyRequests().ask("POST", f"accounts/{quote(account, safe='')}", changes)


def _limit(name: str, text: str) -> int | str | None:
    word = text.strip().lower()
    if word in ("none", "default"):
        return None if word == "none" else word
    if not word.isdecimal() or not word.isascii():
        raise click.UsageError(f"--{name.replace('_', '-')} is a number, 'none' or 'default', not {text!r}")
    return int(word)


def _show(one: dict[str, Any]) -> None:
    parts = [f"{name.replace('_', ' ')} {_of(one, name)}" for name in _LIMITS]
    click.echo(
        f"account {one['account']}{', ' + one['name'] if one['name'] else ''}: {_state(one)}; {', '.join(parts)}"
    )


def _state(one: dict[str, Any]) -> str:
    return "administrator" if one["administrator"] else "active" if one["active"] else "closed"


def _of(one: dict[str, Any], name: str) -> str:
    from cloud.cli.status import size_text

    shown = size_text if name == "stored_bytes" else "{:,}".format
    most = one["limits"][name]
    return f"{shown(one['usage'][name])}" + ("" if most is None else f" of {shown(most)}")
