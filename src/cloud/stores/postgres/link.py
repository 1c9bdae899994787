"""Opening connections to PostgreSQL, and what its errors mean."""

import threading
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import psycopg
from psycopg.types.numeric import Int8Dumper

from cloud.errors import ServerUnavailable, StoreFull
from cloud.stores.postgres.address import Address

Opened = psycopg.Connection[tuple[Any, ...]]

PATIENCE_SECONDS = 4.0
"""How long the first connection is waited for: a restart takes a second or two, a switch to the standby little more."""
AGAIN_SECONDS = 0.25
"""How long another is waited for where one was lost: whoever asks is an event loop, in which all others wait, too."""
_FIRST_PAUSE_SECONDS = 0.02
_LONGEST_PAUSE_SECONDS = 0.2
_CONNECT_SECONDS = 3
_CLOCKS_AGREE_SECONDS = 2.0

# A process that holds the lock and stops in the middle of a transaction must not stop all others: PostgreSQL ends its
# session, or those do who have waited for their turn a little longer (`turns`). A host that is gone must be noticed.
_SESSION = {
    "idle_in_transaction_session_timeout": "10s",
    "lock_timeout": "12s",
    "synchronous_commit": "on",
    "client_encoding": "UTF8",
    "TimeZone": "UTC",
    "jit": "off",
}
_DEFAULTS: dict[str, Any] = {
    "connect_timeout": _CONNECT_SECONDS,
    "target_session_attrs": "read-write",
    # A database that is cut off in the middle of an answer holds up the event loop for so long: 5 s.
    "keepalives_idle": 2,
    "keepalives_interval": 1,
    "keepalives_count": 3,
    "tcp_user_timeout": 5_000,
    "application_name": "picloud",
}


class Lost(Exception):
    """The connection is gone; what was sent last may have happened or not."""


class Link:
    """Makes connections to one database: waits for the first one; others are made beside, in a thread."""

    def __init__(self, address: Address) -> None:
        self.address = address
        self._had = False
        self._coming: _Coming | None = None

    def open(self, *, patient: bool = True) -> Opened:
        """A connection that commits each statement by itself.

        Args:
            patient: wait for a database that went away a moment ago, but not for one that stays away.

        Raises:
            ServerUnavailable: there was none to be had.
        """
        if patient and self._had:
            return self._another()
        deadline, pause = time.monotonic() + (PATIENCE_SECONDS if patient else 0.0), _FIRST_PAUSE_SECONDS
        while True:
            try:
                db = self._connect()
            except psycopg.OperationalError as error:
                if not _may_pass(error) or time.monotonic() + pause >= deadline:
                    raise away(self.address, error) from error
                time.sleep(pause)
                pause = min(pause * 2, _LONGEST_PAUSE_SECONDS)
            else:
                self._had = patient
                return db

    def close(self) -> None:
        """Try no more."""
        if self._coming is not None:
            self._coming.give_up()
            self._coming = None

    def _another(self) -> Opened:
        began = self._coming is None
        if self._coming is None:
            self._coming = _Coming(self._connect)
        db = self._coming.take(AGAIN_SECONDS if began else 0.0)
        if db is None:
            raise away(self.address, self._coming.why)
        self._coming = None
        return db

    def _connect(self) -> Opened:
        given = psycopg.conninfo.conninfo_to_dict(self.address.url)
        wanted = {**_DEFAULTS, **{name: value for name, value in given.items() if value is not None}}
        db = psycopg.connect(autocommit=True, prepare_threshold=3, **wanted)
        db.adapters.register_dumper(int, Int8Dumper)  # one type for all integers: one plan for each statement
        try:
            chosen = {**_SESSION, "search_path": self.address.schema}
            settings = ", ".join(f"set_config('{name}', '{value}', false)" for name, value in chosen.items())
            db.execute(f"SELECT {settings}".encode())
        except BaseException:
            db.close()
            raise
        return db


class _Coming:
    """A connection that is being made, in a thread that tries until it succeeds."""

    def __init__(self, connect: Callable[[], Opened]) -> None:
        self._connect = connect
        self._changed = threading.Condition()
        self._made: Opened | None = None
        self._given_up = False
        self.why: object = "it is being connected to again"
        """The error of the last try."""
        threading.Thread(target=self._try, name="picloud-connect", daemon=True).start()

    def take(self, seconds: float) -> Opened | None:
        """It, if it is there in time."""
        with self._changed:
            self._changed.wait_for(lambda: self._made is not None, seconds)
            return self._made

    def give_up(self) -> None:
        """Nobody wants it any more."""
        with self._changed:
            self._given_up = True
            self._changed.notify_all()
            if self._made is not None:
                self._made.close()

    def _try(self) -> None:
        pause = _FIRST_PAUSE_SECONDS
        while True:
            db: Opened | None = None
            try:
                db = self._connect()
            except Exception as error:  # whatever it is, whoever asks is told
                self.why = error
            with self._changed:
                if self._given_up:
                    if db is not None:
                        db.close()
                    return
                if db is not None:
                    self._made = db
                    self._changed.notify_all()
                    return
                self._changed.wait_for(lambda: self._given_up, pause)
            pause = min(pause * 2, _LONGEST_PAUSE_SECONDS)


def clock_offset(theirs: float) -> timedelta:
    """How far the database's clock, which says so many seconds since the epoch, is ahead of ours, if they do not agree:
    leases are compared by it."""
    ahead = theirs - time.time()
    return timedelta(seconds=round(ahead)) if abs(ahead) > _CLOCKS_AGREE_SECONDS else timedelta()


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
