"""Opening connections to PostgreSQL, and what its errors mean."""

import time
from datetime import timedelta
from typing import Any

import psycopg
from psycopg.types.numeric import Int8Dumper

from cloud.errors import ServerUnavailable, StoreFull
from cloud.stores.postgres.address import Address

Database = psycopg.Connection[tuple[Any, ...]]

PATIENCE_SECONDS = 4.0
"""How long a lost database is waited for: a restart takes a second or two, a switch to the standby little more."""
_FIRST_PAUSE_SECONDS = 0.02
_LONGEST_PAUSE_SECONDS = 0.5
_CONNECT_SECONDS = 3
_CLOCKS_AGREE_SECONDS = 2.0

# A process that holds the lock and stops in the middle of a transaction must not stop all others; a host that is gone
# must be noticed.
_SESSION = {
    "idle_in_transaction_session_timeout": "10s",
    "lock_timeout": "20s",
    "synchronous_commit": "on",
    "client_encoding": "UTF8",
    "TimeZone": "UTC",
    "jit": "off",
}
_DEFAULTS: dict[str, Any] = {
    "connect_timeout": _CONNECT_SECONDS,
    "target_session_attrs": "read-write",
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": 10_000,
    "application_name": "picloud",
}


class Lost(Exception):
    """The connection is gone; what was sent last may have happened or not."""


class Link:
    """Makes connections to one database, patiently at first; while it stays away, one try now and then."""

    def __init__(self, address: Address) -> None:
        self.address = address
        self._away_until = 0.0
        self._pause = 0.0
        self.clock_offset = timedelta()
        """How far the database's clock is ahead of ours, if they do not agree: leases are compared by it."""

    def open(self, *, patient: bool = True) -> Database:
        """A connection that commits each statement by itself.

        Args:
            patient: wait for a database that went away a moment ago.

        Raises:
            ServerUnavailable: there was none to be had.
        """
        now = time.monotonic()
        if patient and now < self._away_until:
            raise away(self.address, "it could not be reached a moment ago")
        patience = PATIENCE_SECONDS if patient and not self._pause else 0.0
        deadline, pause = now + patience, _FIRST_PAUSE_SECONDS
        while True:
            try:
                db = self._connect()
            except psycopg.OperationalError as error:
                if not _may_pass(error) or time.monotonic() + pause >= deadline:
                    self._pause = min(_LONGEST_PAUSE_SECONDS, self._pause * 2 or 0.1)
                    self._away_until = time.monotonic() + self._pause
                    raise away(self.address, error) from error
                time.sleep(pause)
                pause = min(pause * 2, _LONGEST_PAUSE_SECONDS)
            else:
                self._pause = self._away_until = 0.0
                return db

    def _connect(self) -> Database:
        given = psycopg.conninfo.conninfo_to_dict(self.address.url)
        wanted = {**_DEFAULTS, **{name: value for name, value in given.items() if value is not None}}
        db = psycopg.connect(autocommit=True, prepare_threshold=3, **wanted)
        db.adapters.register_dumper(int, Int8Dumper)  # one type for all integers: one plan for each statement
        try:
            chosen = {**_SESSION, "search_path": self.address.schema}
            settings = ", ".join(f"set_config('{name}', '{value}', false)" for name, value in chosen.items())
            row = db.execute(f"SELECT extract(epoch FROM clock_timestamp())::float8, {settings}".encode()).fetchone()
            behind = row[0] - time.time() if row is not None else 0.0
            self.clock_offset = timedelta(seconds=round(behind)) if abs(behind) > _CLOCKS_AGREE_SECONDS else timedelta()
        except BaseException:
            db.close()
            raise
        return db


def away(address: Address, why: object) -> ServerUnavailable:
    """The error of a database that does not answer."""
    return ServerUnavailable(
        f"the store {address} does not answer: {str(why).strip()}", retry=True, hint="see whether PostgreSQL runs there"
    )


def is_lost(error: Exception) -> bool:
    """Whether it says that the connection is gone, not that the statement was wrong."""
    state = getattr(error, "sqlstate", None)
    if state is not None:  # the server is being stopped; we were idle for too long; it is a standby
        return bool(state.startswith(("08", "57P0")) or state in ("25P03", "25006", "57014"))
    return isinstance(error, psycopg.OperationalError | psycopg.InterfaceError)


def failure(address: Address, error: Exception) -> Exception:
    """What a caller of the store is told."""
    state = getattr(error, "sqlstate", None) or ""
    if is_lost(error):
        return away(address, error)
    if state in ("53100", "53400"):
        return StoreFull(
            f"the disk of the store {address} is full ({str(error).strip()})",
            hint="free space there, or delete finished jobs with cloud.delete; then try again",
            retry=True,
        )
    if isinstance(error, psycopg.IntegrityError | psycopg.DataError | psycopg.ProgrammingError):
        return ValueError(f"not a thing the store can do: {str(error).strip()}")
    return ServerUnavailable(f"the store {address} cannot be used: {str(error).strip()}", retry=True)


def _may_pass(error: psycopg.OperationalError) -> bool:
    """Whether waiting may help: not with a wrong password, or a database that does not exist."""
    text = str(error)
    return not any(
        wrong in text
        for wrong in ("authentication failed", "does not exist", "no pg_hba.conf entry", "permission denied for")
    )
