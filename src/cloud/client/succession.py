"""A client meets a server of the same user that is older, or whose virtual environment was removed: it has the server
make room, if no job runs (DESIGN D15)."""

import json
import logging
import os
import re
from collections.abc import Mapping
from typing import Any

from cloud import __version__
from cloud.client.connection import Connection, Lost
from cloud.client.http import Endpoint
from cloud.config.processes import wait_for_end
from cloud.wire.message import PROTOCOL

log = logging.getLogger("Cloud")

_ANSWER_SECONDS = 10.0
_END_SECONDS = 20.0


def is_older(card: Mapping[str, Any]) -> bool:
    """Whether the server that wrote this card is of an older version than this code."""
    if card.get("protocol", PROTOCOL) != PROTOCOL:
        return bool(card["protocol"] < PROTOCOL)
    theirs = _numbers(card.get("version"))
    return bool(theirs) and theirs < _numbers(__version__)


def is_uprooted(card: Mapping[str, Any]) -> bool:
    """Whether the interpreter of the server that wrote this card was removed, and with it what it has yet to import."""
    executable = card.get("executable")
    return isinstance(executable, str) and bool(executable) and not os.path.exists(executable)


def should_go(card: Mapping[str, Any]) -> bool:
    """Whether a server of this very code would do better."""
    return is_older(card) or is_uprooted(card)


def made_room(card: Mapping[str, Any]) -> bool:
    """Whether a server that should go ended when it was asked to. One that runs jobs does not; it logs so for the
    user."""
    running = _ask(card)
    what = f"is of version {card.get('version')}, older than {__version__}"
    if not is_older(card):
        what = f"was started with {card['executable']}, which is gone"
    if running == 0 and wait_for_end(card["pid"], _END_SECONDS):
        log.info("the server %s: it made room", what)
        return True
    why = f"{running} of its jobs run" if running else "it does not end by itself"
    log.warning(
        "the server (process %d) %s, and is used until `picloud stop` ends it, because %s", card["pid"], what, why
    )
    return False


def _ask(card: Mapping[str, Any]) -> int | None:
    """How many jobs run there; 0: none, and the server is ending. None: it does not know what it was asked."""
    authorization = Endpoint(card["url"], card["key"], card["secret"]).authorization()
    try:
        connection = Connection(card["url"])
        try:
            answer = connection.request("retire", authorization, [], _ANSWER_SECONDS)
        finally:
            connection.close()
        said: Any = json.loads(bytes(answer.body))
        return int(said["running"])
    except (OSError, Lost, ValueError, KeyError, TypeError):
        return None


def _numbers(version: object) -> tuple[int, ...]:
    """'0.10.1rc2' as (0, 10, 1); () for what is no version."""
    found = re.match(r"\d+(\.\d+)*", str(version))
    return tuple(map(int, found[0].split("."))) if found else ()
