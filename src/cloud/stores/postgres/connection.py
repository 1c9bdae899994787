"""One PostgreSQL connection: transactions in few round trips, and what happens when it is lost."""

import contextlib
import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from types import TracebackType
from typing import Any, TypeVar

import psycopg

from cloud.errors import ServerUnavailable
from cloud.stores.postgres.address import Address
from cloud.stores.postgres.link import Link, away, failure, is_lost
from cloud.stores.postgres.migrations import migrate
from cloud.stores.postgres.signals import Listener
from cloud.stores.queries import Queries

SQL = Queries("connection.sql", __package__)
A = TypeVar("A")
Row = tuple[Any, ...]
Arguments = Sequence[Any] | Mapping[str, Any]
Question = tuple[str, Arguments]

_TURN = 0x7043_6C64_0000_0000
"""With the schema's number added: the advisory lock of those who write."""


class Connection:
    """Statements and transactions. What is written is only sent with the next question, or with the commit (libpq's
    pipeline), so that a transaction takes as many round trips as it asks questions, and two more.

    Those who write take turns: a transaction begins with the lock of its schema and reads `head`, so that nothing
    which it reads changes until its commit, whoever else uses the database (ADR 0022).
    """

    def __init__(self, url: str) -> None:
        self.address = Address.of(url)
        self.round_trips = 0
        """So many times the database was waited for."""
        self._writer = secrets.token_hex(8)
        self._number = 0
        self._depth = 0
        self._reading = self._read_begun = False
        self._begun = self._wrote = self._doomed = self._closed = False
        self._kept = False
        """Whether `_write_kept` has something to write."""
        self._transaction = _Transaction(self)
        self._link = Link(self.address)
        self._listener: Listener | None = None
        self._db: psycopg.Connection[Row] | None = None
        self._piping = contextlib.ExitStack()
        self._pipeline: psycopg.Pipeline | None = None
        self._connect()
        try:
            with self.transaction():
                self._write_apart(SQL.forget_writers)
        except BaseException:
            self._drop()
            raise

    def transaction(self) -> AbstractContextManager[None]:
        """Begin; commit on exit, roll back on exception. Nested use joins the outer one."""
        return self._transaction

    @contextlib.contextmanager
    def reading(self) -> Iterator[None]:
        """What is read inside is as it was at one moment; it begins with the first question."""
        if self._depth or self._reading:
            yield
            return
        self._reading = True
        try:
            yield
        finally:
            self._end_reading()

    @property
    def signals(self) -> Listener:
        """What others that use this schema tell us; from the first use on."""
        if self._listener is None:
            channel = f"picloud/{self.address.schema}"
            self._listener = Listener(self._link, channel, self._writer, lambda text: self._notify(channel, text))
        return self._listener

    def close(self) -> None:
        """Let go of the database; a transaction that is open is rolled back."""
        self._closed = True
        self._drop()
        self._link.close()
        if self._listener is not None:
            self._listener.close()
            self._listener = None

    def __del__(self) -> None:
        if getattr(self, "_db", None) is not None:
            self._drop()  # forgotten, not closed: psycopg would complain
        if hasattr(self, "_link"):
            self._link.close()

    # --- for those who inherit

    def _take_head(self, head: Row) -> None:
        """A transaction has begun, and `head` is its row."""

    def _reload(self) -> None:
        """Forget what is held in memory: the connection is new, or a rollback made it wrong."""

    def _write_kept(self) -> None:
        """Send what was kept back; every statement does this first, but for those of `_write_apart`."""
        self._kept = False

    def _flush(self) -> None:
        """Send what is due before the commit."""
        if self._kept:
            self._write_kept()

    def _read(self, sql: str, arguments: Arguments = ()) -> list[Any]:
        return self._reads((sql, arguments))[0]

    def _first(self, sql: str, arguments: Arguments = ()) -> Any:
        """The first row, or None."""
        rows = self._reads((sql, arguments))[0]
        return rows[0] if rows else None

    def _reads(self, *questions: Question) -> list[list[Row]]:
        """The answers to several questions, in one round trip."""
        if self._kept:
            self._write_kept()
        if self._depth or self._read_begun:
            return self._guarded(lambda: self._ask(questions))
        return self._repeated(lambda: self._ask_first(questions))

    def _write(self, sql: str, arguments: Arguments = ()) -> None:
        """Send a statement that changes something."""
        if self._kept:
            self._write_kept()
        self._write_apart(sql, arguments)

    def _write_apart(self, sql: str, arguments: Arguments = ()) -> None:
        """As `_write`, for a statement that has nothing to do with what is kept back."""
        self._must_write()
        self._guarded(lambda: self._send(sql, arguments))

    def _write_first(self, sql: str, arguments: Arguments = ()) -> Any:
        """As `_write`, for a statement with RETURNING: the first row it returns, or None."""
        rows = self._write_read(sql, arguments)
        return rows[0] if rows else None

    def _write_read(self, sql: str, arguments: Arguments = ()) -> list[Any]:
        """As `_write`, for a statement with RETURNING: all rows."""
        self._must_write()
        return self._read(sql, arguments)

    def _must_write(self) -> None:
        if not self._depth:
            raise RuntimeError("writing methods of a store are called inside transaction()")
        self._wrote = True

    def _notify(self, channel: str, text: str) -> None:
        if self._depth:
            self._write_apart(SQL.notify, (channel, text))
        else:
            self._read(SQL.notify, (channel, text))

    # --- statements

    def _send(self, sql: str, arguments: Arguments) -> "psycopg.Cursor[Row]":
        return self._opened().execute(sql.encode(), arguments or None, binary=True)

    def _ask(self, questions: Sequence[Question]) -> list[list[Row]]:
        cursors = [self._send(sql, arguments) for sql, arguments in questions]
        self._synchronise()
        return [cursor.fetchall() for cursor in cursors]

    def _ask_first(self, questions: Sequence[Question]) -> list[list[Row]]:
        if self._reading:
            self._send("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", ())
            answers = self._ask(questions)
            self._read_begun = True
            return answers
        return self._ask(questions)

    def _synchronise(self) -> None:
        """Send everything and wait for all answers: one round trip."""
        self._opened()
        assert self._pipeline is not None
        self.round_trips += 1
        self._pipeline.sync()

    def _opened(self) -> "psycopg.Connection[Row]":
        if self._db is None:
            if self._closed:
                raise ServerUnavailable("it was closed")
            raise away(self.address, "the connection was lost")
        return self._db

    def _guarded(self, action: Callable[[], A]) -> A:
        """Inside a transaction: an error dooms it."""
        try:
            return action()
        except psycopg.Error as error:
            self._doomed = bool(self._depth)
            self._drop()
            raise failure(self.address, error) from error

    def _repeated(self, action: Callable[[], A]) -> A:
        """Outside: when the connection is lost, once more on another."""
        for last in (False, True):
            try:
                if self._db is None:
                    self._connect()
                return action()
            except psycopg.Error as error:
                self._drop()
                if last or not is_lost(error):
                    raise failure(self.address, error) from error
        raise AssertionError

    def _connect(self) -> None:
        if self._closed:
            raise ServerUnavailable("it was closed")
        db = self._link.open()
        try:
            migrate(db, self.address)
            self._piping = contextlib.ExitStack()
            self._pipeline = self._piping.enter_context(db.pipeline())
        except BaseException:
            db.close()
            raise
        self._db = db
        self._reload()

    def _drop(self) -> None:
        """A connection about which there is doubt is not used again; another is made when it is needed."""
        db, self._db = self._db, None
        if db is not None:
            db.close()
            with contextlib.suppress(psycopg.Error):
                self._piping.close()

    # --- transactions

    def _begin(self) -> None:
        self._end_reading()
        self._wrote = self._doomed = False
        self._take_head(self._repeated(self._ask_for_turn))
        self._begun = True

    def _ask_for_turn(self) -> Row:
        self._send("BEGIN", ())
        self._send(SQL.take_turn, (_TURN,))
        return self._ask([(SQL.head, ())])[0][0]

    def _commit(self) -> None:
        self._begun = False
        number = self._number + 1
        sent = False
        try:
            self._flush()
            if self._wrote:
                self._send(SQL.written, (self._writer, number))
            sent = True
            self._send("COMMIT", ())
            self._synchronise()
        except psycopg.Error as error:
            self._drop()
            self._reload()
            if sent and self._wrote and is_lost(error) and self._has_committed(number):
                self._number = number
                return
            raise failure(self.address, error) from error
        except BaseException:
            self._roll_back()
            raise
        if self._wrote:
            self._number = number

    def _has_committed(self, number: int) -> bool:
        """The connection was lost while a commit was on its way: whether it arrived.

        Raises:
            ServerUnavailable: the database stays away, and nobody knows.
        """
        self._depth = 0
        with self.transaction():  # the turn is ours when the lost connection's transaction is over, one way or another
            row = self._first(SQL.last_written, (self._writer,))
        return row is not None and int(row[0]) >= number

    def _roll_back(self) -> None:
        self._begun = self._kept = False
        if self._db is not None:
            try:
                self._send("ROLLBACK", ())
                self._synchronise()
            except psycopg.Error:
                self._drop()
        self._reload()

    def _end_reading(self) -> None:
        self._reading = False
        if not self._read_begun:
            return
        self._read_begun = False
        if self._db is not None:
            try:
                self._send("COMMIT", ())
                self._synchronise()
            except psycopg.Error:
                self._drop()


class _Transaction:
    """The context manager of all transactions of a connection; it holds nothing itself."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def __enter__(self) -> None:
        connection = self._connection
        if not connection._depth:
            connection._begin()
        connection._depth += 1

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        connection = self._connection
        if connection._depth > 1:
            connection._depth -= 1
            connection._doomed |= kind is not None
            return
        doomed, connection._doomed = connection._doomed, False
        try:
            if kind is not None or doomed:
                connection._roll_back()
            else:
                connection._commit()
        finally:
            connection._depth = 0
        if kind is None and doomed:
            raise RuntimeError("an inner transaction failed and its error was swallowed; all of it was rolled back")
