"""One SQLite connection: how it is opened, transactions, and what its errors mean."""

import contextlib
import os
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from types import TracebackType
from typing import Any

from cloud.errors import CloudException, ServerUnavailable, StoreFull
from cloud.stores.database import Database, Location, Question, Row
from cloud.stores.sqlite.migrations import migrate
from cloud.stores.statements import Statements

_PRAGMAS = (
    "temp_store = MEMORY",
    "cache_size = -16384",
    # The server is the only process that opens its store: no shared memory and no lock calls per transaction, and
    # a second process is refused at once.
    "locking_mode = EXCLUSIVE",
    # Shown only when on disk: every commit waits for the disk, on macOS too.
    "synchronous = FULL",
    "fullfsync = ON",
    "journal_mode = WAL",
    # A checkpoint happens inside some commit: seldom enough to be cheap, often enough to be short.
    "wal_autocheckpoint = 2000",
    "journal_size_limit = 67108864",
)
_BUSY_SECONDS = 5.0
_FULL = "the disk is full"
_NOTHING = contextlib.nullcontext()
_NO_LIMIT = -1


class Connection(Database):
    """Statements and transactions on a database file or `:memory:`."""

    _sql = Statements(__package__)

    def __init__(self, location: Location) -> None:
        self.path = os.fspath(location)
        self._depth = 0
        self._begun = self._doomed = False
        self._transaction = _Transaction(self)
        with self._translated():
            self._db = _open(self.path)
            try:
                migrate(self._db, self.path)
            except BaseException:
                self._db.close()
                raise
        with self.transaction():
            self._reload()

    def transaction(self) -> AbstractContextManager[None]:
        """Begin; commit on exit, roll back on exception. Nested use joins the outer one."""
        return self._transaction

    @property
    def signals(self) -> None:
        """None: nobody else uses the file."""
        return

    def reading(self) -> AbstractContextManager[None]:
        """Nobody else writes: what is read at two moments belongs together."""
        return _NOTHING

    def close(self) -> None:
        """Let go of the file; a transaction that is open is rolled back."""
        self._db.close()

    # --- statements

    def _read(self, sql: str, values: Sequence[Any] = ()) -> list[Any]:
        if self._kept:
            self._write_kept()
        try:
            return self._db.execute(sql, values).fetchall()
        except sqlite3.Error as error:
            raise self._failure(error) from error

    def _first(self, sql: str, values: Sequence[Any] = ()) -> Any:
        if self._kept:
            self._write_kept()
        return self._first_apart(sql, values)

    def _first_apart(self, sql: str, values: Sequence[Any] = ()) -> Any:
        try:
            return self._db.execute(sql, values).fetchone()
        except sqlite3.Error as error:
            raise self._failure(error) from error

    def _reads(self, *questions: Question) -> list[list[Any]]:
        if self._kept:
            self._write_kept()
        try:
            if self._writing and not self._begun:
                self._begin()
            return [self._db.execute(sql, values).fetchall() for sql, values in questions]
        except sqlite3.Error as error:
            raise self._broken(error) from error

    def _read_many(self, sql: str, asked: Sequence[Any], *more: Any) -> list[Any]:
        if self._kept:
            self._write_kept()
        found: list[Any] = []
        try:
            for value in asked:
                found += self._db.execute(sql, (value, *more)).fetchall()
        except sqlite3.Error as error:
            raise self._failure(error) from error
        return found

    def _each(self, sql: str, lo: int, hi: int, *, all_of_them: bool) -> Iterator[Row]:
        if self._kept:
            self._write_kept()
        try:
            cursor = self._db.cursor()
        except sqlite3.Error as error:
            raise self._failure(error) from error
        try:
            yield from cursor.execute(sql, (lo, hi, _NO_LIMIT))
        except sqlite3.Error as error:
            raise self._failure(error) from error
        finally:
            cursor.close()

    def _write(self, sql: str, values: Sequence[Any] = ()) -> None:
        if self._kept:
            self._write_kept()
        self._write_apart(sql, values)

    def _write_apart(self, sql: str, values: Sequence[Any] = ()) -> None:
        try:
            if not self._begun:
                self._begin()
            self._db.execute(sql, values)
        except sqlite3.Error as error:
            raise self._broken(error) from error

    def _write_read(self, sql: str, values: Sequence[Any] = ()) -> list[Any]:
        if not self._writing:
            self._begin_writing()
        return self._reads((sql, values))[0]

    def _write_many(self, sql: str, rows: Sequence[Sequence[Any]]) -> None:
        if self._kept:
            self._write_kept()
        try:
            if not self._begun:
                self._begin()
            self._db.executemany(sql, rows)
        except sqlite3.Error as error:
            raise self._broken(error) from error

    # --- transactions

    def _begin_writing(self) -> None:
        if not self._depth:
            raise RuntimeError("writing methods of a store are called inside transaction()")
        self._writing = True

    def _begin(self) -> None:
        # Only now, so that a transaction which writes nothing costs nothing, and what is kept back costs it later.
        if not self._writing:
            self._begin_writing()
        self._db.execute("BEGIN IMMEDIATE")
        self._begun = True

    def _commit(self) -> None:
        try:
            if self._kept:
                self._write_kept()
            if self._begun:
                self._db.execute("COMMIT")
            self._writing = self._begun = False
        except BaseException as error:
            self._roll_back()
            if isinstance(error, sqlite3.Error):
                raise self._failure(error) from error
            raise

    def _roll_back(self) -> None:
        self._writing = self._begun = False
        # A full disk may have rolled back already, and then there is nothing to do.
        with contextlib.suppress(sqlite3.Error):
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
        with contextlib.suppress(CloudException):
            self._reload()

    def _broken(self, error: sqlite3.Error) -> Exception:
        """A write failed: whoever catches that inside the transaction cannot commit the rest."""
        self._doomed = bool(self._depth)
        # A full disk makes SQLite roll back by itself; what follows must not be committed statement by statement.
        self._writing = self._begun = self._db.in_transaction
        return self._failure(error)

    @contextlib.contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, OSError) as error:
            raise self._failure(error) from error

    def _failure(self, error: Exception) -> Exception:
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        if isinstance(error, sqlite3.ProgrammingError) and "closed database" in str(error):
            return ServerUnavailable("it was closed; what it kept in memory is forgotten")
        if isinstance(error, sqlite3.IntegrityError | sqlite3.ProgrammingError | sqlite3.InterfaceError):
            return ValueError(f"not a thing the store can do: {error}")
        if code == sqlite3.SQLITE_FULL or _is_out_of_space(self.path, code):
            return StoreFull(
                f"{_FULL}: {self.path} cannot grow ({error})",
                hint="free space there, or delete finished jobs with cloud.delete; then try again",
                retry=True,
            )
        if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
            return ServerUnavailable(
                f"{self.path} is in use by another process",
                hint="only one server at a time can use a store; stop the other one first",
            )
        return ServerUnavailable(
            f"the store {self.path} cannot be used: {error}",
            hint="put a backup in its place, or move it away: then a new one is made, without its jobs",
        )


class _Transaction:
    """The context manager of all transactions of a connection; it holds nothing itself."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def __enter__(self) -> None:
        self._connection._depth += 1

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        connection = self._connection
        connection._depth -= 1
        if connection._depth:
            connection._doomed |= kind is not None
            return
        doomed, connection._doomed = connection._doomed, False
        if kind is not None:
            connection._roll_back()
        elif doomed:
            connection._roll_back()
            raise RuntimeError("an inner transaction failed and its error was swallowed; all of it was rolled back")
        else:
            connection._commit()


def _open(path: str) -> sqlite3.Connection:
    in_memory = path == ":memory:"
    if not in_memory:
        # Nobody else may read arguments and results; SQLite gives its other files the same mode.
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0), 0o600))
    db = sqlite3.connect(
        path, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False, cached_statements=512
    )
    try:
        for pragma in _PRAGMAS:
            if not in_memory or pragma.startswith(("temp_store", "cache_size")):
                db.execute(f"PRAGMA {pragma}")
    except BaseException:
        db.close()
        raise
    return db


def _is_out_of_space(path: str, code: int) -> bool:
    """Whether an input/output error comes from a full disk: SQLite does not always say so."""
    if code != sqlite3.SQLITE_IOERR or path == ":memory:" or not hasattr(os, "statvfs"):
        return False
    try:
        space = os.statvfs(os.path.dirname(os.path.abspath(path)))
    except OSError:
        return False
    return space.f_bavail * space.f_frsize < 1 << 20
