"""The Store port on SQLite: a file for a server, `:memory:` for `cloud.mp` and the simulator."""

import sqlite3
from collections.abc import Collection, Sequence
from datetime import datetime

from cloud.dispatch.ports import Claim, Glance
from cloud.model import Stretch
from cloud.stores.code import CodeVersions
from cloud.stores.database import Location
from cloud.stores.dispatchers import Dispatchers
from cloud.stores.endings import Ending
from cloud.stores.facts import Facts
from cloud.stores.files import Files
from cloud.stores.forgetting import Forgetting
from cloud.stores.rows import row_of
from cloud.stores.sqlite.connection import Connection
from cloud.stores.times import microseconds

_CIDS = 1_000_000
"""Cids are taken from the file in blocks of so many: none is given out twice, and giving one out writes nothing."""


class SQLiteStore(Forgetting, Dispatchers, CodeVersions, Files, Facts, Connection):
    """Durable memory of jobs in one SQLite database.

    The rules that all stores share, on a SQLite connection. Here is what only a store without neighbours may do: it
    counts in memory, and holds all live claims there.

    Args:
        location: path of the database file, made when there is none; or ':memory:'.
        first_jid: no job has a lower number, in a new store.

    Raises:
        ServerUnavailable: another process uses the file, or it cannot be opened.
        ProtocolMismatch: a newer picloud wrote it, or another program.
    """

    _levels: Sequence[int] = ()

    def __init__(self, location: Location, *, first_jid: int = 1) -> None:
        self._next_jid = first_jid
        self._next_cid = self._end_of_cids = 0
        self._late: list[Ending] = []
        """Rows of transactions that are over. In memory, where nothing can be lost, what is kept back may be kept back
        beyond the end of its transaction: it is written while the next job runs."""
        super().__init__(location)

    @property
    def next_jid(self) -> int:
        """The number that the next job gets."""
        return self._next_jid

    def ready_accounts(self) -> list[int]:
        """Accounts with a ready pending range."""
        return self._steps(self._sql.next_ready_account, -(1 << 62))

    def glances(self, stretches: Sequence[Stretch]) -> list[Glance]:
        """Only `open` is known: here each question is quick."""
        return [Glance(not self.all_finished(s), failed=True, whole=False) for s in stretches]

    def _commit(self) -> None:
        late: list[Ending] = []
        if self.path == ":memory:":
            late, self._ended = self._ended, late
        super()._commit()
        if late:
            self._late += late
            self._kept = True

    def _begin(self) -> None:
        self._write_late()
        super()._begin()

    def _write_kept(self) -> None:
        self._write_late()
        super()._write_kept()

    def _write_late(self) -> None:
        """Outside any transaction, so that the next one's failure does not take it back."""
        if self._late:
            late, self._late = self._late, []
            try:
                for ending in late:
                    self._db.execute(self._sql.insert_outcomes, row_of(*ending))
            except sqlite3.Error as error:
                raise self._failure(error) from error

    def _reload(self) -> None:
        self._write_late()
        super()._reload()
        counters = dict(self._read(self._sql.counters))
        sid, jid = self._first(self._sql.numbers)
        # Never back, so that numbers which a transaction used before it was rolled back are not seen twice.
        self._next_sid = max(self._next_sid, counters.get("sid", 1), sid)
        self._next_jid = max(self._next_jid, counters.get("jid", 1), jid)
        if counters.get("cid", 0) < self._end_of_cids:
            self._end_of_cids = 0  # the transaction that took this block was rolled back
        for row in self._read(self._sql.all_claims):
            claim = Claim(*row)
            self._live.setdefault(claim.cid, []).append(claim)
        self._levels = self._steps(self._sql.next_level, -1)

    def _note_deletion(self) -> None:
        self._write(self._sql.set_counter, ("sid", self._next_sid))
        self._write(self._sql.set_counter, ("jid", self._next_jid))

    def _new_cid(self) -> int:
        if self._next_cid >= self._end_of_cids:
            stored = dict(self._read(self._sql.counters)).get("cid", 1)
            self._next_cid = max(self._next_cid, stored)
            self._end_of_cids = self._next_cid + _CIDS
            self._write(self._sql.set_counter, ("cid", self._end_of_cids))
        cid = self._next_cid
        self._next_cid += 1
        return cid

    def _look_up_claim(self, cid: int) -> list[Claim]:
        return []  # all are in memory

    def _note_levels(self, levels: Collection[int]) -> None:
        self._levels = sorted({*self._levels, *levels})

    def _lease_time(self, at: datetime) -> int:
        return microseconds(at)

    def _steps(self, sql: str, below: int) -> list[int]:
        """All values of a column above `below`, ascending, by a statement that finds the next one."""
        found = []
        row = self._first(sql, (below,))
        while row is not None:
            found.append(row[0])
            row = self._first(sql, row)
        return found
