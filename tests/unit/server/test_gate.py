"""Who may come in: keys, job tokens, Host and Origin."""

import base64
from collections.abc import Iterator

import pytest

from cloud.errors import NotAuthorised
from cloud.model import FIRST_ACCOUNT
from cloud.server.gate import Gate, Misdirected
from cloud.server.keys import Credentials, Keys
from cloud.stores.sqlite import SQLiteStore

TOKEN = "the-token-of-a-job"


@pytest.fixture
def keys() -> Iterator[Keys]:
    store = SQLiteStore(":memory:")
    yield Keys(store)
    store.close()


@pytest.fixture
def credentials(keys: Keys) -> Credentials:
    return keys.make(FIRST_ACCOUNT)


@pytest.fixture
def gate(keys: Keys) -> Gate:
    return Gate(keys, lambda token: 7 if token == TOKEN else None, names=["Lab.example"])


def basic(key: str, secret: str) -> dict[bytes, bytes]:
    return {b"authorization": b"Basic " + base64.b64encode(f"{key}:{secret}".encode())}


@pytest.mark.parametrize("key", ["", "0\0", "1 ", "\u0661", "9" * 3000, "highest"])
def test_the_store_is_not_asked_for_what_is_no_key(
    gate: Gate, keys: Keys, monkeypatch: pytest.MonkeyPatch, key: str
) -> None:
    def asked(name: str) -> str | None:
        raise AssertionError(name)

    monkeypatch.setattr(keys._store, "get_fact", asked)
    with pytest.raises(NotAuthorised):
        gate.admit(basic(key, "secret"))
    with pytest.raises(NotAuthorised, match="there is no key"):
        keys.find(key)


def test_a_key_and_its_secret_open_the_account(gate: Gate, credentials: Credentials) -> None:
    assert gate.admit(basic(credentials.key, credentials.secret)).account == FIRST_ACCOUNT


def test_a_wrong_secret_and_an_unknown_key_are_refused_with_the_same_words(
    gate: Gate, credentials: Credentials
) -> None:
    with pytest.raises(NotAuthorised) as wrong:
        gate.admit(basic(credentials.key, "guess"))
    with pytest.raises(NotAuthorised) as unknown:
        gate.admit(basic("99", credentials.secret))
    assert str(wrong.value) == str(unknown.value)


@pytest.mark.parametrize(
    "header", [b"", b"Basic", b"Basic !!!", b"Basic " + base64.b64encode(b"no colon"), b"Digest x", b"Basic \xff\xfe"]
)
def test_a_missing_or_malformed_key_is_refused_with_a_hint(gate: Gate, header: bytes) -> None:
    with pytest.raises(NotAuthorised) as refused:
        gate.admit({b"authorization": header})
    assert refused.value.hint


def test_an_inactive_key_is_refused_at_once_and_works_again_when_active(
    gate: Gate, keys: Keys, credentials: Credentials
) -> None:
    gate.admit(basic(credentials.key, credentials.secret))
    keys.set_active(credentials.key, active=False)
    with pytest.raises(NotAuthorised, match="inactive"):
        gate.admit(basic(credentials.key, credentials.secret))
    keys.set_active(credentials.key, active=True)
    assert gate.admit(basic(credentials.key, credentials.secret)).account == FIRST_ACCOUNT


def test_a_key_made_inactive_by_another_server_is_refused_within_seconds(credentials: Credentials, keys: Keys) -> None:
    now = [0.0]
    here = Keys(keys._store, monotonic=lambda: now[0])
    here.account_of(credentials.key, credentials.secret)
    keys.set_active(credentials.key, active=False)
    now[0] = 11.0
    with pytest.raises(NotAuthorised):
        here.account_of(credentials.key, credentials.secret)


def test_secrets_are_never_stored_nor_shown_in_a_repr(keys: Keys, credentials: Credentials) -> None:
    assert all(credentials.secret not in text for text in keys._store.facts("").values())
    assert credentials.secret not in repr(credentials)


def test_keys_are_numbered_and_listed_by_account(keys: Keys, credentials: Credentials) -> None:
    other = keys.make(2, "another account's")
    assert [k.key for k in keys.of_account(FIRST_ACCOUNT)] == [credentials.key]
    assert [(k.key, k.note) for k in keys.of_account(2)] == [(other.key, "another account's")]
    assert keys.accounts_with_keys() == {FIRST_ACCOUNT, 2}


def test_a_job_token_opens_the_jobs_account_and_names_its_parent(gate: Gate) -> None:
    caller = gate.admit({b"authorization": f"Bearer {TOKEN}".encode(), b"x-picloud-jid": b"42"})
    assert (caller.account, caller.parent_jid) == (7, 42)


def test_a_token_of_a_job_that_ended_is_refused(gate: Gate) -> None:
    with pytest.raises(NotAuthorised, match="ended"):
        gate.admit({b"authorization": b"Bearer gone"})


@pytest.mark.parametrize(
    "host", [b"localhost", b"localhost:8000", b"127.0.0.1:1", b"[::1]:8000", b"lab.example:80", b"LAB.EXAMPLE"]
)
def test_our_own_names_are_good_hosts(gate: Gate, host: bytes) -> None:
    gate.check_source({b"host": host})


@pytest.mark.parametrize(
    "host", [b"", b"evil.example", b"evil.example:8000", b"localhost.evil.example", b"10.0.0.1", b"[::2]:1", b"\xff"]
)
def test_other_hosts_are_refused_so_that_no_rebound_name_reaches_us(gate: Gate, host: bytes) -> None:
    with pytest.raises(Misdirected):
        gate.check_source({b"host": host})


def test_a_server_of_a_team_takes_bare_addresses_too_but_no_unknown_names(keys: Keys) -> None:
    gate = Gate(keys, lambda _token: None, any_address=True)
    gate.check_source({b"host": b"10.0.0.1:8000"})
    gate.check_source({b"host": b"[fe80::1]:8000"})
    with pytest.raises(Misdirected):
        gate.check_source({b"host": b"evil.example"})


@pytest.mark.parametrize("origin", [b"http://evil.example", b"null", b"http://localhost:9", b"http://localhost"])
def test_pages_of_other_servers_are_refused(gate: Gate, origin: bytes) -> None:
    with pytest.raises(Misdirected):
        gate.check_source({b"host": b"localhost:8000", b"origin": origin})


def test_our_own_pages_are_not(gate: Gate) -> None:
    gate.check_source({b"host": b"localhost:8000", b"origin": b"http://localhost:8000"})
