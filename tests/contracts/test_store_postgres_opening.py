"""Opening a PostgreSQL store: what is refused and why, older schemas, several in one database."""

from collections.abc import Callable
from typing import Any

import pytest

from cloud.errors import InvalidSubmission, ProtocolMismatch, ServerUnavailable
from cloud.model import BlobRef
from cloud.stores.postgres.address import Address
from cloud.stores.postgres.link import Link
from cloud.stores.postgres.store import PostgresStore
from tests.support.postgres import Cluster
from tests.support.stores import NOW, claimed, finished, submit


def refused(url: str) -> str:
    """What somebody is told who opens this."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("cloud.stores.postgres.link.PATIENCE_SECONDS", 0.05)
        with pytest.raises((ServerUnavailable, ProtocolMismatch, InvalidSubmission)) as error:
            PostgresStore(url)
    return str(error.value)


def test_what_cannot_be_opened_says_why(postgres: Cluster) -> None:
    assert "does not exist" in refused(postgres.url().replace("/postgres?", "/nowhere?"))
    assert "does not answer" in refused("postgresql://user:hush@127.0.0.1:1/nowhere")
    assert "hush" not in refused("postgresql://user:hush@127.0.0.1:1/nowhere")
    assert "schema" in refused(postgres.url("Bad-Name"))
    assert "postgresql://" in refused("mysql://user:hush@here")
    assert "hush" not in refused("mysql://user:hush@here")


def test_a_newer_schema_and_one_of_another_program_are_refused(postgres: Cluster) -> None:
    newer, foreign = postgres.url(), postgres.url()
    PostgresStore(newer).close()
    for url, statement in (
        (newer, "UPDATE picloud_schema SET version = 999"),
        (foreign, "CREATE TABLE precious (a int)"),
    ):
        address = Address.of(url)
        with Link(address).open() as db:
            db.execute(f"CREATE SCHEMA IF NOT EXISTS {address.schema}".encode())
            db.execute(statement.encode())
    assert "newer version" in refused(newer)
    assert "another program" in refused(foreign)


def test_what_accounts_have_is_added_up_when_an_older_schema_is_opened(postgres: Cluster) -> None:
    url = postgres.url()
    store = PostgresStore(url)
    finished(store, 4, blobs={1: BlobRef("blob", 70_000)})
    claimed(store, 2, account=2)
    with store.transaction():
        store.add_file_piece(store.upload(2, "file", NOW).fid, 0, BlobRef("piece", 500))
    seen = [(store.tally(n), store.stored_bytes(n)) for n in (1, 2)], store.size_bytes()
    assert seen[0][0][1] > 70_000
    store.close()
    with Link(Address.of(url)).open() as db:
        db.execute(b"DROP TABLE held")
        for name in ("chunks", "outcomes", "result_blobs", "file_pieces", "submissions"):
            db.execute(f"DROP FUNCTION hold_{name} CASCADE".encode())
        db.execute(b"UPDATE picloud_schema SET version = 2")
    store = PostgresStore(url)
    assert seen == ([(store.tally(n), store.stored_bytes(n)) for n in (1, 2)], store.size_bytes())
    store.close()


def test_stores_in_different_schemas_know_nothing_of_each_other(postgres: Cluster) -> None:
    open_: Callable[[], Any] = lambda: PostgresStore(postgres.url())
    one, other = open_(), open_()
    with one.transaction(), other.transaction():  # nor do they wait for each other
        submission = submit(one, 1)
        assert submit(other, 1).jids == submission.jids
    one.close()
    other.close()
