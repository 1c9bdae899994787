"""Turns of those who write (ADR 0022): whose client fell silent in the middle of one is ended by those who wait."""

import psycopg

from cloud.errors import CloudException
from cloud.stores.postgres.link import Link

TURN = 0x7043_6C64_0000_0000
"""With the schema's number added: the advisory lock of those who write."""
HUNG_SECONDS = 10.0
"""As PostgreSQL's own limit for idle sessions; it takes one that waits in the middle of a pipeline for busy."""


def end_hung(link: Link, statement: str) -> bool:
    """Whether somebody had the turn of whose client nothing was heard for `HUNG_SECONDS`: not any more.

    Args:
        statement: `end_hung`.
    """
    try:
        with link.open(patient=False) as db:
            cursor = psycopg.RawCursor(db).execute(statement.encode(), (TURN, HUNG_SECONDS), binary=True)
            row = cursor.fetchone()
    except (CloudException, psycopg.Error):  # whoever wants the turn tries again, and comes here again
        return False
    return row is not None and row[0] > 0
