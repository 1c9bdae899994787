"""Other processes on the same store: what they are told, and what follows from what they tell."""

from cloud.dispatch.claiming import Claiming
from cloud.dispatch.ports import Claim, Kill, News, Store
from cloud.dispatch.step import Step
from cloud.model import Stretch
from cloud.model.ranges import normal


class Neighbours:
    """Nothing to do where the store has no signals: then nobody else uses it."""

    def __init__(self, store: Store, claiming: Claiming, *, alone: bool) -> None:
        self._store = store
        self._claiming = claiming
        self._signals = None if alone else store.signals
        self.doubted = False
        """A commit may have happened although its answer never came."""

    def tell(self, step: Step) -> None:
        """Inside a step's transaction, at its end."""
        if self._signals is not None and (step.touched or step.spare):
            self._signals.tell(News(frozenset(step.touched), ready=step.spare))

    def tell_of_kill(self, claim: Claim, lo: int, hi: int, *, force: bool) -> bool:
        """Inside a transaction, so that it is told if the kill is stored, and only then. True: the claim is
        another's."""
        if self._signals is None or claim.dispatcher == self._claiming.dispatcher:
            return False
        self._signals.tell(News(kills=(Kill(Stretch(claim.sid, lo, hi), force),)))
        return True

    def heard(self) -> News | None:
        """What others told since the last call."""
        return None if self._signals is None else self._signals.heard()

    def killed(self, news: News) -> list[tuple[Claim, range, bool]]:
        """Which jobs of ours others want to end: claim, indices, whether at once."""
        kills = [(kill.stretch, kill.force) for kill in news.kills]
        held = [held.claim for held in self._claiming.held.values()]
        if news.missed:
            for c in held:
                parts = normal(self._store.condemned(Stretch(c.sid, c.lo, c.hi)))
                kills += [(Stretch(c.sid, part.start, part.stop), False) for part in parts]
        found = []
        for stretch, force in kills:
            for claim in held:
                lo, hi = max(claim.lo, stretch.lo), min(claim.hi, stretch.hi)
                if claim.sid == stretch.sid and lo < hi:
                    found.append((claim, range(lo, hi), force))
        return found

    def settle_doubt(self, step: Step) -> None:
        """At the beginning of a step: claims that were stored, but of which this process does not know, go back. They
        were never started, or were ended before they were heard of."""
        if not self.doubted:
            return
        for claim in self._store.claims_of(self._claiming.dispatcher):
            if claim.cid not in self._claiming.held:
                step.ready |= self._store.give_back(claim.cid, claim.lo, claim.hi)
        step.after.append(self._certain)

    def _certain(self) -> None:
        self.doubted = False
