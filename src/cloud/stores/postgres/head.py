"""The row that everybody who writes reads first: numbers given out, and whether what is held in memory still holds."""

from cloud.stores.postgres.connection import SQL, Connection, Row

_CIDS = 1000
"""As the sequence `cids` counts."""


class Head(Connection):
    """Sids and jids are counted here without a gap, and never back; cids come in blocks, so that giving one out asks
    nothing."""

    def __init__(self, url: str) -> None:
        self._next_sid = self._next_jid = 1
        self._levels = self._forgotten = self._meddled = 0
        self._known: Row = ()
        self._next_cid = self._end_of_cids = 0
        super().__init__(url)

    def _take_head(self, head: Row) -> None:
        super()._take_head(head)
        self._next_sid, self._next_jid, self._levels, forgotten, meddled = head
        if forgotten != self._forgotten:
            self._reload()
        elif meddled != self._meddled:
            self._forget_claims()
        self._forgotten, self._meddled = forgotten, meddled
        self._known = head

    def _flush(self) -> None:
        super()._flush()
        head = (self._next_sid, self._next_jid, self._levels, self._forgotten, self._meddled)
        if head != self._known:
            self._write_apart(SQL.set_head, head)

    def _forget_claims(self) -> None:
        """Another process moved some claim."""

    def _new_cid(self) -> int:
        if self._next_cid >= self._end_of_cids:
            self._next_cid = int(self._first(SQL.next_cids)[0])
            self._end_of_cids = self._next_cid + _CIDS
        cid = self._next_cid
        self._next_cid += 1
        return cid
