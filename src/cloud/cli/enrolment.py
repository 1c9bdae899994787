"""Trying a server and a key, and writing them down for all programs of this user."""

import os
from urllib.parse import urlsplit

import click

_HERE = ("localhost", "127.0.0.1", "::1")


def server_address(text: str, own: str) -> str | None:
    """An address with its scheme, which may be left out; None: the server of this user.

    Raises:
        click.UsageError: it is none.
    """
    from cloud.config.options import BY_NAME, ConfigError

    word = text.strip().rstrip("/")
    if word in ("", own):
        return None
    if "://" not in word:
        host = urlsplit(f"//{word}").hostname
        word = f"{'http' if host in _HERE else 'https'}://{word}"
    try:
        return str(BY_NAME["url"].read(word, "--url"))
    except ConfigError as error:
        raise click.UsageError(error.parameter) from None


def enrol(address: str | None, key: str, secret: str) -> list[str]:
    """Ask the server for the account, write everything down, and say in a few lines what is so now.

    Raises:
        CloudException: the server cannot be reached, refuses the key, or nothing can be written.
        OSError: cloudconf.py cannot be written.
    """
    from cloud.client.credentials import is_key, keep_secret
    from cloud.client.key_requests import KeyRequests
    from cloud.config.rewriting import change_options
    from cloud.config.values import VALUES
    from cloud.errors import CloudException, NotAuthorised

    if address is not None and not is_key(key):
        raise NotAuthorised(f"{key!r:.80} cannot be a key: expected letters, digits, '-', '_' and '.'")
    VALUES.choose({"url": address or "", "api_key": key, "api_secretkey": secret})
    requests = KeyRequests()
    account = requests.ask("GET", "account")
    if address is not None and not keep_secret(requests.home, key, secret, address):
        raise CloudException(f"the secret cannot be written into {os.path.join(requests.home, 'credentials')}")
    path = change_options(requests.home, {"url": address or "", "api_key": key})
    name = f", {account['name']}" if account["name"] else ""
    who = f"key {requests.key} of account {account['account']}{name}"
    return [f"{requests.server}/ answers to {who}", f"written into {path}", *_remarks(address, key)]


def _remarks(address: str | None, key: str) -> list[str]:
    """What else should be known."""
    from cloud.config.options import BY_NAME

    found = []
    for name, value in (("url", address or ""), ("api_key", key)):
        variable = BY_NAME[name].environment
        if os.environ.get(variable, value).rstrip("/") != value:
            found.append(f"TIP: {variable} is set here, and wins over cloudconf.py")
    if address is not None and address.startswith("http:") and urlsplit(address).hostname not in _HERE:
        found.append("TIP: nothing that is sent there is encrypted; https is")
    return found
