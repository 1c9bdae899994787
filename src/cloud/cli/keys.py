"""picloud keys"""

from typing import Any

import click

from cloud.cli.proposed import proposed

_EPILOG = """\b
Examples:
  picloud keys list
  picloud keys create --note 'for the night shift'
  picloud keys deactivate 3fa9c1
"""


@click.group("keys", epilog=_EPILOG)
def command() -> None:
    """Make and manage the keys of the account: who may use the server."""


@command.command("list")
@click.option("--everybody", is_flag=True, help="Of all accounts, for administrators.")
@click.option("--json", "as_json", is_flag=True, help="A line of JSON for each.")
def list_keys(everybody: bool, as_json: bool) -> None:
    """List keys, oldest first."""
    from cloud.cli.answers import print_json
    from cloud.cli.table import lines_of
    from cloud.client.key_requests import KeyRequests

    found = KeyRequests().ask("GET", "keys?all=1" if everybody else "keys")["keys"]
    if as_json:
        for key in found:
            print_json(key)
        return
    rows = [
        [key["api_key"], "yes" if key["active"] else "no", str(key["account"]), key["created"][:10], key["note"]]
        for key in found
    ]
    click.echo(
        "\n".join(
            lines_of(("KEY", "ACTIVE", "ACCOUNT", "CREATED", "NOTE"), rows, gives_way=4, whole=(0, 3), spare=(2, 3))
        )
    )


@command.command("create")
@click.option("--note", default="", help="What it is for.")
@click.option("--account", is_flag=True, help="The first key of a new account, for administrators.")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def create(note: str, account: bool, as_json: bool) -> None:
    """Make a key. Its secret is shown this once, and kept on this machine."""
    from cloud import account as accounts

    made = accounts.create_account(note=note) if account else accounts.create_key(note=note)
    _show(made, as_json=as_json)


@command.command("show")
@click.argument("key", required=False, shell_complete=proposed("keys"))
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def show(key: str | None, as_json: bool) -> None:
    """Show a key, else the one that is used here, with its secret if that is known on this machine."""
    from cloud import account as accounts

    try:
        found = accounts.get_key(api_key=key)
    except ValueError as error:
        raise click.UsageError(str(error)) from None
    _show(found, as_json=as_json)


@command.command("activate")
@click.argument("key", shell_complete=proposed("keys"))
def activate(key: str) -> None:
    """Let a key be used again."""
    _switch(key, active=True)


@command.command("deactivate")
@click.argument("key", shell_complete=proposed("keys"))
def deactivate(key: str) -> None:
    """Let a key not be used any more, from now on."""
    _switch(key, active=False)


def _switch(key: str, *, active: bool) -> None:
    from cloud import account as accounts

    try:
        (accounts.activate_key if active else accounts.deactivate_key)(api_key=key)
    except ValueError as error:
        raise click.UsageError(str(error)) from None


def _show(key: dict[str, Any], *, as_json: bool) -> None:
    from cloud.cli.answers import print_json

    if as_json:
        print_json(key)
        return
    click.echo(f"PICLOUD_API_KEY={key['api_key']}")
    if key["api_secretkey"]:
        click.echo(f"PICLOUD_API_SECRETKEY={key['api_secretkey']}")
    if key["note"]:
        click.echo(f"# {key['note']}")
    if not key["active"]:
        click.echo("# not active")
