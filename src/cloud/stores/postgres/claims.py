"""Jobs that a worker has: claims under a dispatcher's lease, and losses."""

from datetime import datetime

from cloud.dispatch.ports import Claim, Loss
from cloud.model import Stretch, Submission
from cloud.stores.connection import microseconds, moment
from cloud.stores.postgres.connection import Row
from cloud.stores.postgres.pending import SQL, PendingJobs


class Claims(PendingJobs):
    """Claims that were made here are held in memory too: finding one by its cid asks nothing. Whoever moves a claim of
    another process raises `meddled` in the head, and then all forget what they hold."""

    def __init__(self, url: str) -> None:
        self._live: dict[int, list[Claim]] = {}
        self._made: set[int] = set()
        self._new: dict[int, Row] = {}
        """Rows of claims that are not written yet, by cid."""
        super().__init__(url)

    def _reload(self) -> None:
        super()._reload()
        self._live.clear()
        self._new.clear()

    def _forget_claims(self) -> None:
        super()._forget_claims()
        self._live.clear()

    def _write_kept(self) -> None:
        super()._write_kept()
        new, self._new = self._new, {}
        for row in new.values():
            self._write_apart(SQL.insert_claim, row)

    def claims(self, stretch: Stretch) -> list[Claim]:
        """Claims that overlap, ascending by lo, not cut."""
        base = self._base(stretch.sid)
        if base is None or stretch.lo >= stretch.hi:
            return []
        rows = self._read(SQL.claims, {"lo": base + stretch.lo, "hi": base + stretch.hi})
        return [
            Claim(cid, stretch.sid, start - base, stop - base, attempt, dispatcher, agent)
            for cid, start, stop, attempt, dispatcher, agent in rows
        ]

    def claimed(self, stretch: Stretch) -> int:
        """How many jobs of the stretch are in claims."""
        base = self._base(stretch.sid)
        if base is None or stretch.lo >= stretch.hi:
            return 0
        return int(self._first(SQL.claimed, {"lo": base + stretch.lo, "hi": base + stretch.hi})[0])

    def claims_of(self, dispatcher: int) -> list[Claim]:
        """Everything that was claimed under one lease."""
        return [
            Claim(cid, sid, lo, hi, attempt, dispatcher, agent)
            for cid, sid, lo, hi, attempt, agent in self._read(SQL.claims_of, (dispatcher,))
        ]

    def adopt(self, cid: int, dispatcher: int) -> None:
        """What is left of a claim is another dispatcher's now."""
        self._must_write()
        self._write(SQL.adopt_claim, (dispatcher, cid))
        self._live.pop(cid, None)
        self._meddled += cid not in self._made  # as in `_holding`
        self._made.add(cid)

    def condemn(self, stretch: Stretch) -> None:
        """Remember that these claimed jobs were killed, until their claims are gone."""
        base = self._base(stretch.sid) or 0
        self._write(SQL.forget_kills)
        self._write(SQL.insert_kill, (base + stretch.lo, base + stretch.hi))

    def condemned(self, stretch: Stretch) -> list[range]:
        """Indices of jobs in the stretch that `condemn` named, ascending; they may overlap."""
        base = self._base(stretch.sid) or 0
        lo, hi = stretch.lo, stretch.hi
        rows = self._read(SQL.kills, (base + lo, base + hi))
        return [range(max(start - base, lo), min(stop - base, hi)) for start, stop in rows]

    def all_finished(self, stretch: Stretch) -> bool:
        """Whether no pending range and no claim overlaps."""
        submission = self.submission(stretch.sid)
        if submission is None or submission.first_jid is None:
            return submission is None
        lo, hi = submission.first_jid + stretch.lo, submission.first_jid + stretch.hi
        return lo >= hi or not self._first(SQL.any_open, {"lo": lo, "hi": hi})[0]

    def losses(self, stretch: Stretch) -> list[Loss]:
        """Losses that overlap, in the order they happened."""
        return [
            Loss(stretch.sid, lo, hi, attempt, reason, moment(at))
            for lo, hi, attempt, reason, at in self._read(SQL.losses, (stretch.sid, stretch.lo, stretch.hi))
        ]

    def claim(self, sid: int, lo: int, hi: int, *, dispatcher: int, agent: str) -> Claim:
        """Move jobs lo..hi-1, which must lie in one pending range, into a claim with attempt losses + 1."""
        base = self._base(sid)
        start, stop = (base or 0) + lo, (base or 0) + hi
        fresh = self._fresh.get(stop)
        if fresh is not None and fresh[1] == start and fresh[2] == sid:
            del self._fresh[stop]
            return self._claimed(Claim(self._new_cid(), sid, lo, hi, 1, dispatcher, agent), start)
        row = self._first(SQL.first_pending, (start,))
        if base is None or lo >= hi or row is None or row[1] > start or row[0] < stop or row[2] != sid:
            raise ValueError(f"jobs {lo}..{hi - 1} of submission {sid} are not in one pending range")
        self._must_write()
        self._take_pending(row, start, stop)
        return self._claimed(Claim(self._new_cid(), sid, lo, hi, row[3] + 1, dispatcher, agent), start)

    def _claimed(self, c: Claim, start: int) -> Claim:
        self._new[c.cid] = (start + c.hi - c.lo, start, c.cid, c.sid, c.attempt, c.dispatcher, c.agent)
        self._kept = True
        self._live[c.cid] = [c]
        self._made.add(c.cid)
        return c

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
            self._write(SQL.insert_loss, (claim.sid, lo, hi, claim.attempt, reason, when))
        losses = claim.attempt - (lost is None)
        base = submission.jids.start
        self._put_pending(base + lo, base + hi, submission, losses)
        return True

    def _take_claimed(self, c: Claim, lo: int, hi: int) -> Submission:
        """Take jobs lo..hi-1 out of a claim that holds them; returns its submission."""
        submission = self.submission(c.sid)
        if submission is None or submission.first_jid is None:
            raise ValueError(f"claim {c.cid} is of a submission that does not exist")
        base = submission.first_jid
        self._must_write()
        if c.cid in self._new and c.lo == lo and c.hi == hi:
            del self._new[c.cid]
            self._replace(c)
            return submission
        left = Claim(c.cid, c.sid, c.lo, lo, c.attempt, c.dispatcher, c.agent)
        right = Claim(c.cid, c.sid, hi, c.hi, c.attempt, c.dispatcher, c.agent)
        if c.lo < lo and hi < c.hi:
            self._write(SQL.move_claim_start, (base + hi, base + c.hi))
            row = (base + lo, base + c.lo, c.cid, c.sid, c.attempt, c.dispatcher, c.agent)
            self._write(SQL.insert_claim, row)
            self._replace(c, left, right)
        elif hi < c.hi:
            self._write(SQL.move_claim_start, (base + hi, base + c.hi))
            self._replace(c, right)
        elif c.lo < lo:
            self._write(SQL.move_claim_stop, (base + lo, base + hi))
            self._replace(c, left)
        else:
            self._write(SQL.delete_claim, (base + hi,))
            self._replace(c)
        return submission

    def _holding(self, cid: int, lo: int, hi: int) -> Claim | None:
        """The row of a claim that holds jobs lo..hi-1."""
        rows = self._live.get(cid)
        if rows is None:
            rows = [Claim(cid, *row) for row in self._read(SQL.claim, (cid,))]
            if rows:
                self._live[cid] = rows
                self._meddled += cid not in self._made  # who made it may hold it in memory, and must look again
        for claim in rows:
            if claim.lo <= lo < hi <= claim.hi:
                return claim
        return None

    def _replace(self, old: Claim, *new: Claim) -> None:
        rows = self._live[old.cid]
        rows.remove(old)
        rows.extend(new)
        if not rows:
            del self._live[old.cid]
            self._made.discard(old.cid)
