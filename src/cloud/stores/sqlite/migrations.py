"""Numbered schema files, applied in order, each in a transaction; `user_version` says how far."""

import sqlite3
from collections.abc import Sequence

from cloud.errors import ProtocolMismatch
from cloud.stores.statements import scripts

APPLICATION_ID = 0x70436C64
"""Marks a SQLite file as ours ('pCld')."""


def migrate(db: sqlite3.Connection, name: str) -> None:
    """Bring a database, new or older, to this program's schema.

    Raises:
        ProtocolMismatch: the file was written by a newer picloud, or is no store at all.
    """
    (version,) = db.execute("PRAGMA user_version").fetchone()
    (mark,) = db.execute("PRAGMA application_id").fetchone()
    (tables,) = db.execute("SELECT count(*) FROM sqlite_master").fetchone()
    if tables and mark != APPLICATION_ID:
        raise ProtocolMismatch(f"{name} is a database of another program", hint="choose another file for the store")
    known = scripts(__package__)
    newest = max(known)
    if version > newest:
        raise ProtocolMismatch(
            f"{name} was written by a newer version of picloud (schema {version}; this one knows {newest})",
            hint="upgrade picloud, or choose another folder for the server",
        )
    for number in range(version + 1, newest + 1):
        _apply(db, number, known[number])


def _apply(db: sqlite3.Connection, number: int, statements: Sequence[str]) -> None:
    db.execute("BEGIN IMMEDIATE")
    try:
        for statement in statements:
            db.execute(statement)
        db.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        db.execute(f"PRAGMA user_version = {number}")
        db.execute("COMMIT")
    except BaseException:
        if db.in_transaction:
            db.execute("ROLLBACK")
        raise
