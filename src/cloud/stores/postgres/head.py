"""The row that everybody who writes reads first: numbers given out, and whether what is held in memory still holds."""

from cloud.stores.database import Location, Row
from cloud.stores.postgres.connection import Connection


class Head(Connection):
    """Sids and jids are counted here without a gap, and never back."""

    def __init__(self, location: Location) -> None:
        self._next_sid = self._next_jid = 1
        self._used_levels = self._forgotten = self._meddled = 0
        self._known: Row = ()
        super().__init__(location)

    def _take_head(self, head: Row) -> None:
        super()._take_head(head)
        self._next_sid, self._next_jid, self._used_levels, forgotten, meddled = head
        if forgotten != self._forgotten:
            self._reload()
        elif meddled != self._meddled:
            self._forget_claims()
        self._forgotten, self._meddled = forgotten, meddled
        self._known = head

    def _flush(self) -> None:
        super()._flush()
        head = (self._next_sid, self._next_jid, self._used_levels, self._forgotten, self._meddled)
        if head != self._known:
            self._write_apart(self._sql.set_head, head)

    def _forget_claims(self) -> None:
        """Another process moved some claim."""
