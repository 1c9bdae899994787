"""Keys of accounts, from code: who may use a server.

    new = cloud.account.create_key(note="for the night shift")
    cloud.setkey(new["api_key"], new["api_secretkey"])

PiCloud asked for the name and password of its web site. Here a key takes their place: `username` is a key and
`password` its secret, of any account of the server that is set; left out, they are those that `cloud` speaks with. A
key manages the keys of its account. Keys of a server's first account are the administrator's: they manage all keys and
make accounts.

A key is a dictionary of 'api_key', 'api_secretkey' (None unless it was just made, or is known on this machine),
'active', 'note', 'created' (naive datetime, UTC), 'account' and 'administrator'. All functions speak to the server,
also while `cloud` is the simulator, and raise `CloudException`: `NotAuthorised` if the key may not do that.
"""

from datetime import UTC, datetime
from typing import Any

from cloud.client.key_requests import KeyRequests
from cloud.client.terse import tersely

__all__ = [
    "activate_key",
    "change_account",
    "create_account",
    "create_key",
    "deactivate_key",
    "get_account",
    "get_key",
    "get_key_by_key",
    "list_accounts",
    "list_keys",
]


@tersely
def list_keys(
    username: int | str | None = None, password: str | None = None, active_only: bool = False, everybody: bool = False
) -> list[str]:
    """The keys of the account, oldest first; with `everybody`, for administrators, those of all accounts."""
    found = _requests(username, password).ask("GET", "keys?all=1" if everybody else "keys")["keys"]
    return [key["api_key"] for key in found if key["active"] or not active_only]


@tersely
def create_key(username: int | str | None = None, password: str | None = None, note: str = "") -> dict[str, Any]:
    """A new key of the account. Its secret is told this once, and kept on this machine."""
    return _make(_requests(username, password), {"note": note})


@tersely
def create_account(
    username: int | str | None = None, password: str | None = None, note: str = "", name: str = ""
) -> dict[str, Any]:
    """The first key of a new account, for administrators. Its secret is told this once, and kept on this machine.

    Args:
        name: of the account.
    """
    made = _make(_requests(username, password), {"note": note, "new_account": True})
    if name:
        change_account(made["account"], username, password, name=name)
    return made


@tersely
def list_accounts(username: int | str | None = None, password: str | None = None) -> list[dict[str, Any]]:
    """All accounts, as `get_account` tells of one; for administrators."""
    found: list[dict[str, Any]] = _requests(username, password).ask("GET", "accounts")["accounts"]
    return found


@tersely
def get_account(
    account: int | str | None = None, username: int | str | None = None, password: str | None = None
) -> dict[str, Any]:
    """What an account may have and has: 'account', 'name', 'administrator', 'active', 'limits' and 'own_limits' (by
    name; None: no limit), 'usage' (by name).

    Args:
        account: number or name of another, for administrators; None: the one of the key that asks.
    """
    path = "account" if account is None else f"accounts/{_quoted(account)}"
    return _requests(username, password).ask("GET", path)


@tersely
def change_account(
    account: int | str,
    username: int | str | None = None,
    password: str | None = None,
    *,
    name: str | None = None,
    active: bool | None = None,
    administrator: bool | None = None,
    limits: dict[str, int | str | None] | None = None,
) -> dict[str, Any]:
    """Change an account, for administrators; what is not given stays as it is.

    Args:
        account: number or name.
        active: whether its keys open anything.
        limits: of 'slots', 'queued_jobs', 'stored_bytes' and 'files' some: a number, None for no limit, or 'default'.
    """
    wanted = {"name": name, "active": active, "administrator": administrator, "limits": limits}
    given = {word: value for word, value in wanted.items() if value is not None}
    return _requests(username, password).ask("POST", f"accounts/{_quoted(account)}", given)


@tersely
def get_key(
    username: int | str | None = None, password: str | None = None, api_key: int | str | None = None
) -> dict[str, Any]:
    """What is known of a key; of the one that asks, when none is named."""
    requests = _requests(username, password)
    return _shown(requests.ask("GET", f"keys/{_text(api_key if api_key is not None else requests.key)}"), requests)


@tersely
def get_key_by_key(api_key: int | str, api_secretkey: str) -> dict[str, Any]:
    """What is known of a key, asked with it."""
    return get_key(api_key, api_secretkey, api_key)


@tersely
def activate_key(
    username: int | str | None = None, password: str | None = None, api_key: int | str | None = None
) -> bool:
    """Let a key be used again. True."""
    return _switch(_requests(username, password), api_key, "activate")


@tersely
def deactivate_key(
    username: int | str | None = None, password: str | None = None, api_key: int | str | None = None
) -> bool:
    """Let a key not be used any more, from now on. True. The key that asks cannot be the one."""
    return _switch(_requests(username, password), api_key, "deactivate")


def _requests(username: int | str | None, password: str | None) -> KeyRequests:
    return KeyRequests(None if username is None else _text(username), password)


def _text(key: Any) -> str:
    from cloud.client.credentials import is_key

    if isinstance(key, bool) or not isinstance(key, (int, str)):
        raise TypeError(f"cloud.account: a key must be a number or text, not {key!r:.80}")
    text = str(key).strip()
    if not is_key(text):
        raise ValueError(f"cloud.account: {text!r:.80} cannot be a key")
    return text


def _quoted(account: int | str) -> str:
    from urllib.parse import quote

    return quote(str(account), safe="")


def _switch(requests: KeyRequests, api_key: Any, word: str) -> bool:
    return bool(requests.ask("POST", f"keys/{_text(api_key)}/{word}")["api_key"])


def _make(requests: KeyRequests, wanted: dict[str, Any]) -> dict[str, Any]:
    from cloud.client.credentials import keep_secret

    made = requests.ask("POST", "keys", wanted)
    keep_secret(requests.home, made["api_key"], made["api_secretkey"], requests.url)
    return _shown(made, requests)


def _shown(key: dict[str, Any], requests: KeyRequests) -> dict[str, Any]:
    from cloud.client.credentials import find_secret
    from cloud.client.embedded import own_secret

    secret = key.get("api_secretkey") or find_secret(requests.home, key["api_key"], requests.url)
    if secret is None and requests.url is None:
        secret = own_secret(requests.home, key["api_key"])
    created = datetime.fromisoformat(key["created"]).astimezone(UTC).replace(tzinfo=None)
    return {**key, "api_secretkey": secret, "created": created}
