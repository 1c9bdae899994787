"""Numbered schema files, applied in order, each in a transaction; the table `picloud_schema` says how far."""

import psycopg

from cloud.errors import ProtocolMismatch
from cloud.stores.postgres.address import Address
from cloud.stores.postgres.link import Opened, failure
from cloud.stores.statements import scripts

_LOCK = 0x70436C64


def migrate(db: Opened, address: Address) -> None:
    """Bring a schema, new or older, to this program's; several processes that start at once take turns.

    Raises:
        ProtocolMismatch: a newer picloud wrote it, or another program.
    """
    known = scripts(__package__)
    newest = max(known)
    try:
        if _known_version(db, address) == newest:
            return
        with db.transaction():
            db.execute(b"SELECT pg_advisory_xact_lock(%s)", (_LOCK,))
            version = _known_version(db, address)
            if version is None:
                version = _begin(db, address)
            if version > newest:
                raise ProtocolMismatch(
                    f"{address} was written by a newer version of picloud (schema {version}; this one knows {newest})",
                    hint="upgrade picloud, or choose another schema for the server",
                )
            for number in range(version + 1, newest + 1):
                for statement in known[number]:
                    db.execute(statement.encode())
            if version < newest:
                db.execute(b"UPDATE picloud_schema SET version = %s", (newest,))
    except psycopg.Error as error:
        raise failure(address, error) from error


def _known_version(db: Opened, address: Address) -> int | None:
    """None where nothing of ours is."""
    # Asked of the catalogue: names are looked up in what this session remembers, also while another makes the schema.
    ours = db.execute(
        b"SELECT 1 FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
        b" WHERE n.nspname = %s AND c.relname = 'picloud_schema'",
        (address.schema,),
    ).fetchone()
    if ours is None:
        return None
    row = db.execute(f"SELECT version FROM {address.schema}.picloud_schema".encode()).fetchone()
    return int(row[0]) if row is not None else 0


def _begin(db: Opened, address: Address) -> int:
    encoding = db.execute(b"SHOW server_encoding").fetchone()
    if encoding is None or encoding[0] != "UTF8":
        raise ProtocolMismatch(
            f"{address} is encoded in {encoding and encoding[0]}", hint="create it with ENCODING 'UTF8'"
        )
    tables = db.execute(
        b"SELECT count(*) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = %s",
        (address.schema,),
    ).fetchone()
    if tables is not None and tables[0]:
        raise ProtocolMismatch(f"{address} belongs to another program", hint="choose another schema for the store")
    db.execute(f"CREATE SCHEMA IF NOT EXISTS {address.schema}".encode())
    db.execute(b"CREATE TABLE picloud_schema (version BIGINT NOT NULL)")
    db.execute(b"INSERT INTO picloud_schema VALUES (0)")
    return 0
