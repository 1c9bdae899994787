"""How many jobs an account has in each status, for people. Read from the store in small steps."""

import asyncio
from collections import Counter

from cloud.dispatch.ports import Store
from cloud.model import Status, Stretch

_SUBMISSIONS_PER_STEP = 50


async def count_jobs(store: Store, account: int) -> dict[str, int]:
    """Jobs by status word; statuses nobody has are 0. Other requests are served between the steps, so what changes
    meanwhile may be counted in either status."""
    counts: Counter[Status] = Counter()
    for number, sid in enumerate(store.of_account(account, unfinished=False)):
        submission = store.submission(sid)
        if submission is not None and submission.sealed:
            _add(store, Stretch(sid, 0, submission.count), counts)
        if number % _SUBMISSIONS_PER_STEP == _SUBMISSIONS_PER_STEP - 1:
            await asyncio.sleep(0)
    return {status.word: counts[status] for status in Status if status is not Status.DELETED}


def _add(store: Store, stretch: Stretch, counts: Counter[Status]) -> None:
    for pending in store.pending(stretch):
        counts[Status.QUEUED if pending.ready else Status.WAITING] += pending.hi - pending.lo
    for claim in store.claims(stretch):
        counts[Status.PROCESSING] += claim.hi - claim.lo
    for outcomes in store.outcomes(stretch):
        counts.update(outcomes.counts())
