"""Keys of accounts, from code (SPEC B.9): who may use a server.

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

__all__ = ["activate_key", "create_account", "create_key", "deactivate_key", "get_key", "get_key_by_key", "list_keys"]


def list_keys(
    username: int | str | None = None, password: str | None = None, active_only: bool = False, everybody: bool = False
) -> list[str]:
    """The keys of the account, oldest first; with `everybody`, for administrators, those of all accounts."""
    found = _requests(username, password).ask("GET", "keys?all=1" if everybody else "keys")["keys"]
    return [key["api_key"] for key in found if key["active"] or not active_only]


def create_key(username: int | str | None = None, password: str | None = None, note: str = "") -> dict[str, Any]:
    """A new key of the account. Its secret is told this once, and kept on this machine."""
    return _make(_requests(username, password), {"note": note})


def create_account(username: int | str | None = None, password: str | None = None, note: str = "") -> dict[str, Any]:
    """The first key of a new account, for administrators. Its secret is told this once, and kept on this machine."""
    return _make(_requests(username, password), {"note": note, "new_account": True})


def get_key(
    username: int | str | None = None, password: str | None = None, api_key: int | str | None = None
) -> dict[str, Any]:
    """What is known of a key; of the one that asks, when none is named."""
    requests = _requests(username, password)
    return _shown(requests.ask("GET", f"keys/{_text(api_key if api_key is not None else requests.key)}"), requests)


def get_key_by_key(api_key: int | str, api_secretkey: str) -> dict[str, Any]:
    """What is known of a key, asked with it."""
    return get_key(api_key, api_secretkey, api_key)


def activate_key(
    username: int | str | None = None, password: str | None = None, api_key: int | str | None = None
) -> bool:
    """Let a key be used again. True."""
    return _switch(_requests(username, password), api_key, "activate")


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


def _switch(requests: KeyRequests, api_key: Any, word: str) -> bool:
    return bool(requests.ask("POST", f"keys/{_text(api_key)}/{word}")["api_key"])


def _make(requests: KeyRequests, wanted: dict[str, Any]) -> dict[str, Any]:
    from cloud.client.credentials import keep_secret

    made = requests.ask("POST", "keys", wanted)
    keep_secret(requests.home, made["api_key"], made["api_secretkey"], requests.url)
    return _shown(made, requests)


def _shown(key: dict[str, Any], requests: KeyRequests) -> dict[str, Any]:
    from cloud.client.credentials import find_secret

    secret = key.get("api_secretkey") or find_secret(requests.home, key["api_key"], requests.url)
    created = datetime.fromisoformat(key["created"]).astimezone(UTC).replace(tzinfo=None)
    return {**key, "api_secretkey": secret, "created": created}
