"""Dispatchers and their leases."""

from abc import abstractmethod
from datetime import datetime

from cloud.stores.database import Database


class Dispatchers(Database):
    """One row each, renewed every few seconds."""

    def enlist(self, name: str, until: datetime) -> int:
        """A new dispatcher with a lease."""
        ((dispatcher,),) = self._write_read(self._sql.enlist, (name, self._lease_time(until)))
        return int(dispatcher)

    def renew(self, dispatcher: int, until: datetime) -> bool:
        """False when it was reaped in the meantime. A lease that has passed but was not reaped is renewed (D7)."""
        return bool(self._write_read(self._sql.renew, (self._lease_time(until), dispatcher)))

    def lapsed(self, now: datetime) -> list[int]:
        """Dispatchers whose lease is over; where several claim, also those that have none any more and claimed all the
        same, because they had not noticed yet that they were taken for dead."""
        return [dispatcher for (dispatcher,) in self._read(self._sql.lapsed, (self._lease_time(now),))]

    def dispatchers(self) -> list[int]:
        """All that are enlisted."""
        return [dispatcher for (dispatcher,) in self._read(self._sql.dispatchers)]

    def discharge(self, dispatcher: int) -> None:
        """Forget a dispatcher that has no claims any more."""
        self._write(self._sql.discharge, (dispatcher,))

    @abstractmethod
    def _lease_time(self, at: datetime) -> int:
        """A moment as all who hold leases here read it off their clocks: microseconds."""
