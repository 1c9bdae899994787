"""What the rules of the store ask of a database, of whichever kind it is."""

import os
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from typing import Any

from cloud.stores.statements import Statements

Row = tuple[Any, ...]
Question = tuple[str, Sequence[Any]]
"""A statement and its values."""
Location = str | os.PathLike[str]
"""Where a database is: a path, or an address."""


class Database(ABC):
    """One connection: statements and transactions.

    The rules are classes on top of this one, a file for each concern, and know no kind of database. A kind of database
    is a subclass with the verbs below and with its own statements; what else must differ the rules leave open, as
    abstract methods of theirs.

    What was kept back is written before any statement runs, but for those of `_first_apart` and `_write_apart`.
    """

    _sql: Statements
    _kept = False
    """Whether `_write_kept` has something to write."""
    _writing = False
    """Whether this transaction may write. Who keeps rows back sees to it, with `_begin_writing`."""

    def __init__(self, location: Location) -> None:
        """Open what is there, or make it."""
        super().__init__()

    @abstractmethod
    def transaction(self) -> AbstractContextManager[None]:
        """Begin; commit on exit, roll back on exception. Nested use joins the outer one."""

    # --- for the rules to fill in

    def _reload(self) -> None:
        """Read anew, or forget, what is held in memory: the connection is new, or a rollback made it wrong."""
        self._kept = False

    def _write_kept(self) -> None:
        """Write what was kept back: a lone short job is born, claimed and finished without a row for its places."""
        self._kept = False

    # --- for a kind of database to fill in

    @abstractmethod
    def _begin_writing(self) -> None:
        """From now on this transaction writes.

        Raises:
            RuntimeError: there is none.
        """

    @abstractmethod
    def _read(self, sql: str, values: Sequence[Any] = ()) -> list[Any]:
        """All rows."""

    @abstractmethod
    def _first(self, sql: str, values: Sequence[Any] = ()) -> Any:
        """The first row, or None."""

    @abstractmethod
    def _first_apart(self, sql: str, values: Sequence[Any] = ()) -> Any:
        """As `_first`, for a statement that has nothing to do with what is kept back."""

    @abstractmethod
    def _reads(self, *questions: Question) -> list[list[Any]]:
        """The rows of several statements, one after another: together they take as long as one. Those that write, with
        RETURNING, come after `_begin_writing`."""

    @abstractmethod
    def _read_many(self, sql: str, asked: Sequence[Any], *more: Any) -> list[Any]:
        """The rows of a statement about each of many values (its first one), in any order; `more` values are the same
        for all."""

    @abstractmethod
    def _each(self, sql: str, lo: int, hi: int, *, all_of_them: bool) -> Iterator[Row]:
        """Rows that overlap lo..hi-1, for callers who may stop early unless they want `all_of_them`; nobody writes in
        between. The statement takes (lo, hi, limit); `stop` is its first column, and its order."""

    @abstractmethod
    def _write(self, sql: str, values: Sequence[Any] = ()) -> None:
        """Run a statement that changes something."""

    @abstractmethod
    def _write_apart(self, sql: str, values: Sequence[Any] = ()) -> None:
        """As `_write`, for a statement that has nothing to do with what is kept back."""

    @abstractmethod
    def _write_read(self, sql: str, values: Sequence[Any] = ()) -> list[Any]:
        """As `_write`, for a statement with RETURNING: all rows."""

    @abstractmethod
    def _write_many(self, sql: str, rows: Sequence[Sequence[Any]]) -> None:
        """As `_write`, for a statement about each of many rows."""
