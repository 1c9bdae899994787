"""Dispatchers and their leases."""

from datetime import datetime

from cloud.stores.connection import microseconds
from cloud.stores.postgres.barriers import SQL
from cloud.stores.postgres.connection import Connection
from cloud.stores.postgres.link import clock_offset


class Dispatchers(Connection):
    """One row each, renewed every few seconds. Times are the database's, so that servers agree whose clocks differ, or
    are set while they run."""

    def enlist(self, name: str, until: datetime) -> int:
        """A new dispatcher with a lease."""
        return int(self._write_first(SQL.enlist, (name, self._shared_time(until)))[0])

    def renew(self, dispatcher: int, until: datetime) -> bool:
        """False when it was reaped in the meantime. A lease that has passed but was not reaped is renewed (D7)."""
        return self._write_first(SQL.renew, (self._shared_time(until), dispatcher)) is not None

    def lapsed(self, now: datetime) -> list[int]:
        """Dispatchers whose lease is over; also those that have none any more and claimed all the same, because they
        had not noticed yet that they were taken for dead."""
        return [dispatcher for (dispatcher,) in self._read(SQL.lapsed, (self._shared_time(now),))]

    def dispatchers(self) -> list[int]:
        """All that are enlisted."""
        return [dispatcher for (dispatcher,) in self._read(SQL.dispatchers)]

    def discharge(self, dispatcher: int) -> None:
        """Forget a dispatcher that has no claims any more."""
        self._write(SQL.discharge, (dispatcher,))

    def _shared_time(self, at: datetime) -> int:
        return microseconds(at + clock_offset(self._first(SQL.clock)[0]))
