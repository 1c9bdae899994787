"""`cloud.setkey`: which account of which server `cloud` speaks for (SPEC B.7)."""

import logging
from dataclasses import replace
from typing import Any

from cloud.client import sessions
from cloud.client.code.whitelist import WHITELIST
from cloud.client.connect import network_session, secret_of
from cloud.client.credentials import is_key
from cloud.client.inside import inside_channel
from cloud.client.terse import tersely
from cloud.config import Settings
from cloud.config.options import BY_NAME, Value
from cloud.config.values import VALUES
from cloud.errors import NotAuthorised

log = logging.getLogger("Cloud")


@tersely
def setkey(
    api_key: int | str,
    api_secretkey: str | None = None,
    server_url: str | None = None,
    restart: bool = False,
    immutable: bool = False,
) -> None:
    """Let `cloud` speak for the account of this key, from the next use on; leaves the simulator.

    Args:
        api_key: the key, a number or text.
        api_secretkey: its secret; needed only if it is not known on this machine. It is written down when the server
            has accepted it.
        server_url: the server; None: the one that is set otherwise, or the one of this user, which starts by itself.
        restart: connect anew, even if nothing changes.
        immutable: ignore later `setkey` and `start_simulator`, until `cloud.config.commit()`.

    Inside a job, which speaks for whoever submitted it, nothing happens.

    Raises:
        TypeError: the key or secret is of the wrong type.
        NotAuthorised: the secret was not given, and is not known here.
        ConfigError: that is no address.
    """
    chosen = _checked(api_key, api_secretkey, server_url)
    if inside_channel() is not None or sessions.is_immutable():
        log.info("cloud.setkey has no effect here")
        return
    if "api_secretkey" not in chosen:
        chosen["api_secretkey"] = _known_secret(str(chosen["api_key"]), chosen.get("url"))
    changes = VALUES.chosen != chosen
    VALUES.choose(chosen)
    if restart or changes or sessions.active().kind:
        WHITELIST.set(None)
        sessions.switch(network_session())
        log.info("cloud speaks for key %s from now on", chosen["api_key"])
    if immutable:
        sessions.make_immutable()


def _known_secret(key: str, url: Any) -> str:
    """The secret of a key that comes without.

    Raises:
        NotAuthorised: it is not known here.
    """
    settings = Settings.without_setkey()
    url = url or settings.url
    same = settings.api_key == key and settings.url == url
    asked = settings if same else replace(settings, api_key=key, api_secretkey=None, url=url)
    secret = secret_of(asked)
    if secret is None:
        raise NotAuthorised(
            f"the secret of key {key} is not known on this machine",
            hint=f"give it once: cloud.setkey({key!r}, SECRET); it is kept from then on",
        )
    return secret


def _checked(api_key: Any, api_secretkey: Any, server_url: Any) -> dict[str, Value]:
    if isinstance(api_key, bool) or not isinstance(api_key, (int, str)):
        raise TypeError(f"cloud.setkey: api_key must be a number or text, not {api_key!r:.80}")
    key = str(api_key).strip()
    if not is_key(key):
        raise NotAuthorised(f"cloud.setkey: {key!r:.80} cannot be a key: expected letters, digits, '-', '_' and '.'")
    chosen: dict[str, Value] = {"api_key": key}
    if api_secretkey is not None:
        if not isinstance(api_secretkey, str) or not api_secretkey:
            raise TypeError("cloud.setkey: api_secretkey must be text")
        chosen["api_secretkey"] = api_secretkey
    if server_url is not None:
        chosen["url"] = BY_NAME["url"].read(server_url, "cloud.setkey: server_url")
    return chosen
