"""One PostgreSQL connection: transactions in few round trips, and what happens when it is lost."""

import contextlib
import os
import re
import secrets
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from itertools import count
from types import TracebackType
from typing import Any, TypeVar

import psycopg

from cloud.errors import ServerUnavailable
from cloud.stores.database import Database, Location, Question, Row
from cloud.stores.postgres.address import Address
from cloud.stores.postgres.link import Link, away, failure, is_lost
from cloud.stores.postgres.migrations import migrate
from cloud.stores.postgres.signals import Listener
from cloud.stores.postgres.turns import TURN, end_hung
from cloud.stores.statements import Statements

A = TypeVar("A")

_PAGE = 32
"""Rows read at a time where the reader may stop early; a merged row has 256 kB at most."""
_NO_LIMIT = 1 << 40


def _marked(statement: str) -> str:
    """PostgreSQL's marks for values: $1, $2, ..."""
    places = count(1)
    return re.sub(r"\?(\d*)", lambda mark: f"${mark[1] or next(places)}", statement)


class Connection(Database):
    """Statements and transactions. What is written is only sent with the next question, or with the commit (libpq's
    pipeline), so that a transaction takes as many round trips as it asks questions, and two more.

    Those who write take turns: a transaction begins with the lock of its schema and reads `head`, so that nothing
    which it reads changes until its commit, whoever else uses the database (ADR 0022).
    """

    _sql = Statements(__package__, _marked)

    def __init__(self, location: Location) -> None:
        self.address = Address.of(os.fspath(location))
        self.round_trips = 0
        """So many times the database was waited for."""
        self._writer = secrets.token_hex(8)
        self._number = 0
        self._depth = 0
        self._reading = self._read_begun = False
        self._doomed = self._closed = False
        self._transaction = _Transaction(self)
        self._link = Link(self.address)
        self._listener: Listener | None = None
        self._db: psycopg.Connection[Row] | None = None
        self._piping = contextlib.ExitStack()
        self._pipeline: psycopg.Pipeline | None = None
        self._connect()
        try:
            with self.transaction():
                self._write_apart(self._sql.forget_writers)
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

    def _flush(self) -> None:
        """Send what is due before the commit."""
        if self._kept:
            self._write_kept()

    # --- statements

    def _read(self, sql: str, values: Sequence[Any] = ()) -> list[Any]:
        return self._reads((sql, values))[0]

    def _first(self, sql: str, values: Sequence[Any] = ()) -> Any:
        rows = self._reads((sql, values))[0]
        return rows[0] if rows else None

    def _first_apart(self, sql: str, values: Sequence[Any] = ()) -> Any:
        rows = self._asked((sql, values))[0]
        return rows[0] if rows else None

    def _reads(self, *questions: Question) -> list[list[Any]]:
        if self._kept:
            self._write_kept()
        return self._asked(*questions)

    def _read_many(self, sql: str, asked: Sequence[Any], *more: Any) -> list[Any]:
        return self._reads((sql, (list(asked), *more)))[0] if asked else []

    def _each(self, sql: str, lo: int, hi: int, *, all_of_them: bool) -> Iterator[Row]:
        limit = _NO_LIMIT if all_of_them else _PAGE
        while True:
            rows = self._read(sql, (lo, hi, limit))
            yield from rows
            if len(rows) < limit:
                return
            lo = rows[-1][0]

    def _write(self, sql: str, values: Sequence[Any] = ()) -> None:
        if self._kept:
            self._write_kept()
        self._write_apart(sql, values)

    def _write_apart(self, sql: str, values: Sequence[Any] = ()) -> None:
        self._begin_writing()
        self._guarded(lambda: self._send(sql, values))

    def _write_read(self, sql: str, values: Sequence[Any] = ()) -> list[Any]:
        self._begin_writing()
        return self._read(sql, values)

    def _write_many(self, sql: str, rows: Sequence[Sequence[Any]]) -> None:
        if rows:
            self._write(sql, [list(column) for column in zip(*rows, strict=True)])

    def _begin_writing(self) -> None:
        if not self._depth:
            raise RuntimeError("writing methods of a store are called inside transaction()")
        self._writing = True

    def _notify(self, channel: str, text: str) -> None:
        if self._depth:
            self._write_apart(self._sql.notify, (channel, text))
        else:
            self._read(self._sql.notify, (channel, text))

    # --- the wire

    def _asked(self, *questions: Question) -> list[list[Any]]:
        if self._depth or self._read_begun:
            return self._guarded(lambda: self._ask(questions))
        return self._repeated(lambda: self._ask_first(questions))

    def _send(self, sql: str, values: Sequence[Any] = ()) -> "psycopg.RawCursor[Row]":
        cursor = psycopg.RawCursor(self._opened())
        cursor.execute(sql.encode(), values or None, binary=True)
        return cursor

    def _ask(self, questions: Sequence[Question]) -> list[list[Row]]:
        cursors = [self._send(sql, values) for sql, values in questions]
        self._synchronise()
        return [cursor.fetchall() for cursor in cursors]

    def _ask_first(self, questions: Sequence[Question]) -> list[list[Row]]:
        if self._reading:
            self._send("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
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
        """Outside: when the connection is lost, or who had the turn hung, once more on another."""
        for last in (False, True):
            try:
                if self._db is None:
                    self._connect()
                return action()
            except psycopg.Error as error:
                self._drop()
                if last or not (is_lost(error) or self._turn_is_free(error)):
                    raise failure(self.address, error) from error
        raise AssertionError

    def _turn_is_free(self, error: psycopg.Error) -> bool:
        """Whether it was waited for in vain, and is not had any more by who hangs."""
        return isinstance(error, psycopg.errors.LockNotAvailable) and end_hung(self._link, self._sql.end_hung)

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
        self._writing = self._doomed = False
        self._take_head(self._repeated(self._ask_for_turn))

    def _ask_for_turn(self) -> Row:
        self._send("BEGIN")
        self._send(self._sql.take_turn, (TURN,))
        return self._ask([(self._sql.head, ())])[0][0]

    def _commit(self) -> None:
        number = self._number + 1
        wrote = sent = False
        try:
            self._flush()
            wrote = self._writing
            if wrote:
                self._send(self._sql.written, (self._writer, number))
            sent = True
            self._send("COMMIT")
            self._synchronise()
        except psycopg.Error as error:
            self._drop()
            self._reload()
            if sent and wrote and is_lost(error) and self._has_committed(number):
                self._number = number
                return
            raise failure(self.address, error) from error
        except BaseException:
            self._roll_back()
            raise
        if wrote:
            self._number = number

    def _has_committed(self, number: int) -> bool:
        """The connection was lost while a commit was on its way: whether it arrived.

        Raises:
            ServerUnavailable: the database stays away, and nobody knows.
        """
        self._depth = 0
        with self.transaction():  # the turn is ours when the lost connection's transaction is over, one way or another
            row = self._first(self._sql.last_written, (self._writer,))
        return row is not None and int(row[0]) >= number

    def _roll_back(self) -> None:
        if self._db is not None:
            try:
                self._send("ROLLBACK")
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
                self._send("COMMIT")
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
            connection._writing = False
        if kind is None and doomed:
            raise RuntimeError("an inner transaction failed and its error was swallowed; all of it was rolled back")
