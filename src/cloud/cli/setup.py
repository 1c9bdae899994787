"""picloud setup"""

import os
import sys

import click

_EPILOG = """\b
Examples:
  picloud setup
  picloud setup --url https://jobs.example.com --api-key 17 --api-secretkey - < secret.txt
  picloud setup --url own
"""
OWN = "own"
"""Stands for the server of this user."""


@click.command("setup", epilog=_EPILOG)
@click.option("--url", metavar="URL", help=f"The server's address; {OWN!r}: yours, which starts by itself.")
@click.option("-a", "--api-key", "key", metavar="KEY", help="Who asks.")
@click.option("-k", "--api-secretkey", "secret", metavar="SECRET", help="The key's secret; `-`: from standard input.")
def command(url: str | None, key: str | None, secret: str | None) -> None:
    """Say which server to use, and with which key: they are tried, and written down for all programs of this user.

    What is not given is asked for. The address and key go into cloudconf.py, the secret into the folder `credentials`
    beside it.
    """
    from cloud.cli.enrolment import enrol, server_address
    from cloud.errors import CloudException, NotAuthorised

    if "PICLOUD_JOB_TOKEN" in os.environ:
        raise click.UsageError("in a job there is nothing to set up: it speaks to its own server")
    secret = sys.stdin.readline().strip() if secret == "-" else secret  # noqa: S105 (no secret)
    asks = sys.stdin.isatty() and None in (url, key, secret) and url != OWN
    if url is None and not asks:
        raise click.UsageError("there is no terminal to ask on: give --url, --api-key and --api-secretkey")
    known = True
    while True:
        address = server_address(url if url is not None else _asked_address(), OWN)
        try:
            done = enrol(address, *(("", "") if address is None else _proof(address, key, secret, asks, known=known)))
            break
        except CloudException as error:
            if not asks:
                raise
            click.echo(f"picloud: {error.parameter}\n", err=True)
            url = key = secret = None
            if isinstance(error, NotAuthorised):
                url, known = address or OWN, False
    for text in done:
        click.echo(text)


def _asked_address() -> str:
    from cloud.config import Settings

    click.echo(f"Which server? An address like https://jobs.example.com, or {OWN!r}: yours, which starts by itself.")
    found: str = click.prompt("Address", default=Settings.without_setkey().url or OWN)
    return found


def _proof(address: str, key: str | None, secret: str | None, asks: bool, *, known: bool) -> tuple[str, str]:
    """Key and secret, `known`: one that this machine knows if none was given.

    Raises:
        click.UsageError: they were not given, and cannot be asked for.
    """
    from cloud.client.credentials import find_secret
    from cloud.config import Settings

    settings = Settings.without_setkey()
    own = settings.url == address
    if key is None and not asks:
        raise click.UsageError("--api-key is missing")
    found: str = key if key is not None else click.prompt("Key", default=settings.api_key if own else None)
    if secret is None and known:
        secret = settings.api_secretkey if own and settings.api_key == found else None
        secret = secret or find_secret(settings.home, found, address)
    if secret is None and not asks:
        raise click.UsageError(f"--api-secretkey is missing: the secret of key {found} is not known here")
    return found, secret if secret is not None else click.prompt("Secret (it is not shown)", hide_input=True)
