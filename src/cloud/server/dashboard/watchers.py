"""Who looks at pages now, and is to be told when jobs of theirs change."""

import asyncio

from cloud.dispatch.ports import Store
from cloud.dispatch.step import Step
from cloud.local import Core

MOST_STREAMS = 200
"""Of all accounts together. Whoever finds no room asks every few seconds instead."""
MOST_OF_ONE_ACCOUNT = 50


class Watcher:
    """One open stream."""

    def __init__(self, account: int) -> None:
        self.account = account
        self.woken = asyncio.Event()
        self.changed = False

    def wake(self, *, changed: bool) -> None:
        """Something changed, or it is time to see whether the stream is over."""
        self.changed |= changed
        self.woken.set()


class Watchers:
    """All open streams. While there are none, the core is not even asked to say what it does."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._open: set[Watcher] = set()
        self.stopped = False

    def is_full(self, account: int) -> bool:
        """Whether there is no room for another stream of this account."""
        of_account = sum(watcher.account == account for watcher in self._open)
        return self.stopped or len(self._open) >= MOST_STREAMS or of_account >= MOST_OF_ONE_ACCOUNT

    def add(self, account: int) -> Watcher:
        """A new stream."""
        watcher = Watcher(account)
        self._open.add(watcher)
        self._core.dispatcher.on_change = self._note
        return watcher

    def remove(self, watcher: Watcher) -> None:
        """The stream is over."""
        self._open.discard(watcher)
        if not self._open:
            self._core.dispatcher.on_change = None

    def look_again(self) -> None:
        """Somebody signed out: every stream looks whether it may go on."""
        for watcher in self._open:
            watcher.wake(changed=False)

    def stop(self) -> None:
        """The server stops: so do all streams."""
        self.stopped = True
        self.look_again()

    def __len__(self) -> int:
        return len(self._open)

    def _note(self, step: Step | None) -> None:
        """Behind a commit; None: there were some that nobody told us of."""
        waiting = [watcher for watcher in self._open if not watcher.changed]
        if not waiting:
            return
        accounts = None if step is None else accounts_of(step, self._core.store)
        for watcher in waiting:
            if accounts is None or watcher.account in accounts:
                watcher.wake(changed=True)


def accounts_of(step: Step, store: Store) -> set[int] | None:
    """Whose jobs a step was about; None: that cannot be told any more, it may be anybody's."""
    sids = {*step.touched, *(item.claim.sid for item in (*step.work, *step.early))}
    found = [store.submission(sid) for sid in sids]
    return None if None in found else {submission.account for submission in found if submission is not None}
