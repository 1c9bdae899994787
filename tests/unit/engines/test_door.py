"""A Ray cluster is asked whether it takes our token before Ray tries to join it."""

import sys
from types import ModuleType
from typing import Any

import pytest

from cloud.engines.ray.door import ask_in
from cloud.errors import NotAuthorised


class AuthenticationError(Exception):
    """As Ray raises it."""


def with_answer(monkeypatch: pytest.MonkeyPatch, error: Exception | None) -> list[str]:
    """Have Ray's client of a head raise this; the addresses that it is asked for."""
    asked: list[str] = []

    def client(address: str) -> Any:
        asked.append(address)
        if error is not None:
            raise error

    raylet: Any = ModuleType("ray._raylet")
    raylet.GcsClient = client
    monkeypatch.setitem(sys.modules, "ray", ModuleType("ray"))
    monkeypatch.setitem(sys.modules, "ray._raylet", raylet)
    return asked


@pytest.mark.parametrize(
    ("mode", "says"),
    [("token", "head:6379 refuses the token that this server shows"), ("", "head:6379 wants a token, and this server")],
)
def test_a_refusal_says_what_was_shown(monkeypatch: pytest.MonkeyPatch, mode: str, says: str) -> None:
    asked = with_answer(monkeypatch, AuthenticationError("RPC error: InvalidAuthToken: Authentication token is ..."))
    monkeypatch.setenv("RAY_AUTH_MODE", mode)
    with pytest.raises(NotAuthorised, match=says) as raised:
        ask_in("head:6379")
    assert asked == ["head:6379"]
    assert "~/.ray/auth_token" in str(raised.value.hint)


@pytest.mark.parametrize("error", [None, ConnectionError("no head there"), TypeError("another version of Ray")])
def test_whatever_else_is_wrong_is_left_to_joining(monkeypatch: pytest.MonkeyPatch, error: Exception | None) -> None:
    with_answer(monkeypatch, error)
    ask_in("head:6379")


@pytest.mark.parametrize("address", ["", "auto", "ray://head:10001x"])
def test_addresses_that_ray_looks_up_are_left_to_it(monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    asked = with_answer(monkeypatch, AuthenticationError())
    ask_in(address)
    assert not asked
