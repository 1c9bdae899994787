"""How many jobs have which status, without a look at each."""

from collections import Counter

from cloud.dispatch.naming import Naming, not_found
from cloud.dispatch.ports import Store
from cloud.dispatch.questions import first_missing
from cloud.model import Ranges, Status, Stretch
from cloud.model.ranges import normal


def counts(store: Store, naming: Naming, jids: Ranges) -> dict[str, int]:
    """See `JobApi.counts`."""
    totals: Counter[Status] = Counter()
    for named in naming.find(normal(jids)):
        found = counts_in(store, named.stretch)
        if found.total() != len(named.stretch):
            gone = first_missing(store, named.stretch)
            if gone is not None:
                raise not_found(named.jid(gone))
        totals += found
    return {status.word: totals[status] for status in Status if totals[status]}


def counts_in(store: Store, stretch: Stretch) -> Counter[Status]:
    """How many jobs of the stretch have each status; deleted ones count nowhere."""
    totals: Counter[Status] = Counter(store.counts(stretch))
    for pending in store.pending(stretch):
        totals[Status.QUEUED if pending.ready else Status.WAITING] += pending.hi - pending.lo
    for claim in store.claims(stretch):
        totals[Status.PROCESSING] += min(claim.hi, stretch.hi) - max(claim.lo, stretch.lo)
    return totals
