"""Whether a Ray cluster lets this machine in, asked before Ray is: it would try a wrong token for twenty seconds, and
print a line each second."""

import contextlib
import importlib
import os
import threading
from collections.abc import Iterator
from typing import Any

from cloud.errors import NotAuthorised

ASK_SECONDS = 5.0
"""The head of a cluster answers in milliseconds; with anything else, Ray would go on for most of a minute."""


def ask_in(address: str) -> None:
    """Nothing, if the head of the cluster takes the token that this process shows; nor if it cannot be told.

    Args:
        address: of the head, host:port. Others are Ray's business.

    Raises:
        NotAuthorised: it does not.
    """
    host, _, port = address.rpartition(":")
    if not host or not port.isdecimal():
        return
    refusals: list[str] = []
    # In a thread, because nothing ends a wait inside Ray's own code.
    asking = threading.Thread(target=_ask, args=(address, refusals), name="picloud-door", daemon=True)
    with _silent():
        asking.start()
        asking.join(ASK_SECONDS)
    if not refusals:
        return
    if os.environ.get("RAY_AUTH_MODE") == "token":
        raise NotAuthorised(
            f"the Ray cluster {address} refuses the token that this server shows",
            hint="[engine] token has to be what ~/.ray/auth_token, or RAY_AUTH_TOKEN, is where `ray start --head` ran",
        )
    raise NotAuthorised(
        f"the Ray cluster {address} wants a token, and this server has none to show",
        hint="give it in [engine] token_file: ~/.ray/auth_token, as it is where `ray start --head` ran",
    )


@contextlib.contextmanager
def _silent() -> Iterator[None]:
    """What Ray's own code prints meanwhile, which no setting of its own keeps it from, is dropped."""
    before, nothing = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nothing, 2)
    os.close(nothing)
    try:
        yield
    finally:
        os.dup2(before, 2)
        os.close(before)


def _ask(address: str, refusals: list[str]) -> None:
    try:
        raylet: Any = importlib.import_module("ray._raylet")
        raylet.GcsClient(address=address)
    except Exception as error:  # no such class in another version, no head there, ...: joining says what is wrong
        said = str(error)
        if type(error).__name__ == "AuthenticationError" or "InvalidAuthToken" in said:
            refusals.append(said)
