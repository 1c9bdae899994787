"""The Store port on PostgreSQL."""

from collections.abc import Collection, Sequence
from datetime import datetime

from cloud.dispatch.ports import Claim, Glance
from cloud.model import Stretch, Submission
from cloud.stores.barriers import LEVEL_STEP
from cloud.stores.code import CodeVersions
from cloud.stores.database import Location, Row
from cloud.stores.dispatchers import Dispatchers
from cloud.stores.facts import Facts
from cloud.stores.files import Files
from cloud.stores.forgetting import Forgetting
from cloud.stores.postgres.head import Head
from cloud.stores.postgres.link import clock_offset
from cloud.stores.times import microseconds

_GONE = Glance(open=False, failed=False, whole=False)
_CIDS = 1000
"""As the sequence `cids` counts: they come in blocks, so that giving one out asks nothing."""
_LEVELS = range(0, 15 * LEVEL_STEP, LEVEL_STEP)


class PostgresStore(Forgetting, Dispatchers, CodeVersions, Files, Facts, Head):
    """Durable memory of jobs in one schema of a PostgreSQL database, for as many processes at once as there are.

    The rules that all stores share, on a PostgreSQL connection. Here is what a store with neighbours must do: what is
    held in memory may be changed by another process. Claims that were made here are held, and whoever moves a claim of
    another process raises `meddled` in the head, and then all forget what they hold.

    Args:
        location: postgresql://user@host/database; `?schema=` names the schema, 'picloud' otherwise.

    Raises:
        ServerUnavailable: the database does not answer, or refuses us.
        ProtocolMismatch: a newer picloud wrote the schema, or another program.
    """

    _most_held = 10_000  # what is not costs a round trip
    _most_lone = 0

    def __init__(self, location: Location) -> None:
        self._ours: dict[int, int] = {}
        """Claims that are held here, by cid: the dispatcher that has them. If it is another now, so are they."""
        self._borrowed: list[int] = []
        """Cids of others' claims that are in memory until the next transaction."""
        self._next_cid = self._end_of_cids = 0
        super().__init__(location)

    def submission(self, sid: int) -> Submission | None:
        """The submission, sealed or not."""
        held = self._held.get(sid)
        if held is not None and held.first_jid is None and sid not in self._unwritten:
            return self._look_up_submission(sid)  # another process may have sealed it
        return super().submission(sid)

    def ready_accounts(self) -> list[int]:
        """Accounts with a ready pending range."""
        return [account for (account,) in self._read(self._sql.ready_accounts)]

    def glances(self, stretches: Sequence[Stretch]) -> list[Glance]:
        """One for each stretch, in one round trip."""
        bases = self._bases([stretch.sid for stretch in stretches])
        known = [(bases[s.sid] + s.lo, bases[s.sid] + s.hi) for s in stretches if s.sid in bases]
        asked = [lo for lo, _ in known], [hi for _, hi in known]
        rows = iter(self._read(self._sql.glances, asked) if known else [])
        return [Glance(*next(rows)) if s.sid in bases else _GONE for s in stretches]

    def adopt(self, cid: int, dispatcher: int) -> None:
        """What is left of a claim is another dispatcher's now."""
        super().adopt(cid, dispatcher)
        self._ours[cid] = dispatcher

    def _note_deletion(self) -> None:
        self._forgotten += 1

    def _take_head(self, head: Row) -> None:
        super()._take_head(head)
        while self._borrowed:
            self._live.pop(self._borrowed.pop(), None)

    def _forget_claims(self) -> None:
        super()._forget_claims()
        self._live.clear()

    def _new_cid(self) -> int:
        if self._next_cid >= self._end_of_cids:
            self._next_cid = int(self._first_apart(self._sql.next_cids)[0])
            self._end_of_cids = self._next_cid + _CIDS
        cid = self._next_cid
        self._next_cid += 1
        return cid

    def _claimed(
        self, sid: int, lo: int, hi: int, start: int, stop: int, attempt: int, dispatcher: int, agent: str
    ) -> Claim:
        claim = super()._claimed(sid, lo, hi, start, stop, attempt, dispatcher, agent)
        self._ours[claim.cid] = dispatcher
        return claim

    def _look_up_claim(self, cid: int) -> list[Claim]:
        rows = [Claim(*row) for row in self._read(self._sql.claim, (cid,))]
        if rows:
            self._live[cid] = rows
            if self._ours.get(cid) != rows[0].dispatcher:
                self._borrowed.append(cid)
                self._meddled += 1  # who has it may hold it in memory, and must look again
        return rows

    def _replace(self, old: Claim, *new: Claim) -> None:
        super()._replace(old, *new)
        if old.cid not in self._live:
            self._ours.pop(old.cid, None)

    @property
    def _levels(self) -> Sequence[int]:
        if not self._depth:
            return _LEVELS  # the head is not known
        return [level for level in _LEVELS if self._used_levels >> level & 1]

    def _note_levels(self, levels: Collection[int]) -> None:
        for level in levels:
            self._used_levels |= 1 << level

    def _lease_time(self, at: datetime) -> int:
        # The database's, so that servers agree whose clocks differ, or are set while they run.
        return microseconds(at + clock_offset(self._first(self._sql.clock)[0]))
