"""Jobs that a worker has: claims under a dispatcher's lease, and losses."""

from abc import abstractmethod
from datetime import datetime

from cloud.dispatch.ports import Claim, Loss
from cloud.model import Stretch, Submission
from cloud.stores.database import Location, Row
from cloud.stores.pending import PendingJobs
from cloud.stores.times import microseconds, moment


class Claims(PendingJobs):
    """Live claims are few, and held in memory too: finding one by its cid mostly reads nothing. A cid names what was
    granted; after jobs in the middle were finished it covers several rows."""

    def __init__(self, location: Location) -> None:
        self._live: dict[int, list[Claim]] = {}
        self._new: dict[int, Row] = {}
        """Rows of claims that are not written yet, by cid."""
        super().__init__(location)

    def _reload(self) -> None:
        super()._reload()
        self._live.clear()
        self._new.clear()

    def _write_kept(self) -> None:
        super()._write_kept()
        new, self._new = self._new, {}
        for row in new.values():
            self._write_apart(self._sql.insert_claim, row)

    @abstractmethod
    def _new_cid(self) -> int:
        """A number that no claim ever had."""

    @abstractmethod
    def _look_up_claim(self, cid: int) -> list[Claim]:
        """Rows of a claim that is not held in memory."""

    def claims(self, stretch: Stretch) -> list[Claim]:
        """Claims that overlap, ascending by lo, not cut."""
        base = self._base(stretch.sid)
        if base is None or stretch.lo >= stretch.hi:
            return []
        rows = self._read(self._sql.claims, (base + stretch.lo, base + stretch.hi))
        return [
            Claim(cid, stretch.sid, start - base, stop - base, attempt, dispatcher, agent)
            for cid, start, stop, attempt, dispatcher, agent in rows
        ]

    def claimed(self, stretch: Stretch) -> int:
        """How many jobs of the stretch are in claims."""
        base = self._base(stretch.sid)
        if base is None or stretch.lo >= stretch.hi:
            return 0
        return int(self._first(self._sql.claimed, (base + stretch.lo, base + stretch.hi))[0])

    def claims_of(self, dispatcher: int) -> list[Claim]:
        """Everything that was claimed under one lease."""
        return [Claim(*row) for row in self._read(self._sql.claims_of, (dispatcher,))]

    def adopt(self, cid: int, dispatcher: int) -> None:
        """What is left of a claim is another dispatcher's now."""
        rows = self._live.get(cid) or self._look_up_claim(cid)
        self._write(self._sql.adopt_claim, (dispatcher, cid))
        self._live[cid] = [Claim(cid, c.sid, c.lo, c.hi, c.attempt, dispatcher, c.agent) for c in rows]

    def condemn(self, stretch: Stretch) -> None:
        """Remember that these claimed jobs were killed, until their claims are gone."""
        base = self._base(stretch.sid) or 0
        self._write(self._sql.forget_kills)
        self._write(self._sql.insert_kill, (base + stretch.lo, base + stretch.hi))

    def condemned(self, stretch: Stretch) -> list[range]:
        """Indices of jobs in the stretch that `condemn` named, ascending; they may overlap."""
        base = self._base(stretch.sid) or 0
        lo, hi = stretch.lo, stretch.hi
        rows = self._read(self._sql.kills, (base + lo, base + hi))
        return [range(max(start - base, lo), min(stop - base, hi)) for start, stop in rows]

    def all_finished(self, stretch: Stretch) -> bool:
        """Whether no pending range and no claim overlaps."""
        submission = self.submission(stretch.sid)
        if submission is None or submission.first_jid is None:
            return submission is None
        lo, hi = submission.first_jid + stretch.lo, submission.first_jid + stretch.hi
        return lo >= hi or not self._first(self._sql.any_open, (lo, hi))[0]

    def losses(self, stretch: Stretch) -> list[Loss]:
        """Losses that overlap, in the order they happened."""
        return [
            Loss(stretch.sid, lo, hi, attempt, reason, moment(at))
            for lo, hi, attempt, reason, at in self._read(self._sql.losses, (stretch.sid, stretch.lo, stretch.hi))
        ]

    def claim(self, sid: int, lo: int, hi: int, *, dispatcher: int, agent: str) -> Claim:
        """Move jobs lo..hi-1, which must lie in one pending range, into a claim with attempt losses + 1."""
        base = self._base(sid)
        start, stop = (base or 0) + lo, (base or 0) + hi
        row = self._fresh.get(stop)
        if row is not None and row[1] == start and row[2] == sid:
            del self._fresh[stop]
            return self._claimed(sid, lo, hi, start, stop, 1, dispatcher, agent)
        row = self._first(self._sql.first_pending, (start,))
        if base is None or lo >= hi or row is None or row[1] > start or row[0] < stop or row[2] != sid:
            raise ValueError(f"jobs {lo}..{hi - 1} of submission {sid} are not in one pending range")
        self._take_pending(row, start, stop)
        return self._claimed(sid, lo, hi, start, stop, row[3] + 1, dispatcher, agent)

    def _claimed(
        self, sid: int, lo: int, hi: int, start: int, stop: int, attempt: int, dispatcher: int, agent: str
    ) -> Claim:
        claim = Claim(self._new_cid(), sid, lo, hi, attempt, dispatcher, agent)
        self._new[claim.cid] = (stop, start, claim.cid, sid, attempt, dispatcher, agent)
        self._kept = True
        self._live[claim.cid] = [claim]
        return claim

    def give_back(self, cid: int, lo: int, hi: int, *, lost: str | None = None, at: datetime | None = None) -> bool:
        """Move claimed jobs back to pending, ready. With `lost` (why), their losses rise by one and a `Loss` is kept.
        Compare-and-set on the claim like `finish`."""
        claim = self._holding(cid, lo, hi)
        if claim is None:
            return False
        submission = self._take_claimed(claim, lo, hi)
        if lost is not None:
            when = microseconds(at or submission.created_at)
            reason = lost.encode("utf-8", "replace").decode().replace("\0", "?")
            self._write(self._sql.insert_loss, (claim.sid, lo, hi, claim.attempt, reason, when))
        losses = claim.attempt - (lost is None)
        base = submission.jids.start
        self._put_pending(base + lo, base + hi, submission, losses)
        return True

    def _take_claimed(self, claim: Claim, lo: int, hi: int) -> Submission:
        """Take jobs lo..hi-1 out of a claim that holds them; returns its submission."""
        submission = self.submission(claim.sid)
        if submission is None or submission.first_jid is None:
            raise ValueError(f"claim {claim.cid} is of a submission that does not exist")
        base, c = submission.first_jid, claim
        if c.cid in self._new and c.lo == lo and c.hi == hi:
            del self._new[c.cid]
            self._replace(c)
            return submission
        left = Claim(c.cid, c.sid, c.lo, lo, c.attempt, c.dispatcher, c.agent)
        right = Claim(c.cid, c.sid, hi, c.hi, c.attempt, c.dispatcher, c.agent)
        if c.lo < lo and hi < c.hi:
            self._write(self._sql.move_claim_start, (base + hi, base + c.hi))
            row = (base + lo, base + c.lo, c.cid, c.sid, c.attempt, c.dispatcher, c.agent)
            self._write(self._sql.insert_claim, row)
            self._replace(c, left, right)
        elif hi < c.hi:
            self._write(self._sql.move_claim_start, (base + hi, base + c.hi))
            self._replace(c, right)
        elif c.lo < lo:
            self._write(self._sql.move_claim_stop, (base + lo, base + hi))
            self._replace(c, left)
        else:
            self._write(self._sql.delete_claim, (base + hi,))
            self._replace(c)
        return submission

    def _holding(self, cid: int, lo: int, hi: int) -> Claim | None:
        """The row of a claim that holds jobs lo..hi-1."""
        for claim in self._live.get(cid) or self._look_up_claim(cid):
            if claim.lo <= lo < hi <= claim.hi:
                return claim
        return None

    def _replace(self, old: Claim, *new: Claim) -> None:
        rows = self._live[old.cid]
        rows.remove(old)
        rows.extend(new)
        if not rows:
            del self._live[old.cid]
