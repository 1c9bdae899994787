"""How many jobs an account has in each status, for people."""

from cloud.dispatch.ports import Store
from cloud.model import Status


def count_jobs(store: Store, account: int) -> dict[str, int]:
    """Jobs by status word; statuses nobody has are 0."""
    found = store.tally(account)
    return {status.word: found.get(status, 0) for status in Status if status is not Status.DELETED}
