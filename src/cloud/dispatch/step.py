"""One transaction of the core and what follows its commit."""

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field

from cloud.dispatch.ports import Event, Work
from cloud.model import Outcomes, Stretch


@dataclass(slots=True)
class Step:
    """What happened inside a transaction, to be acted on at its end.

    Inside: `finished` stretches open or stall barriers. After the commit, in this order: work starts, kills are sent,
    waiters wake, unreferenced blobs go.
    """

    finished: dict[int, Stretch] = field(default_factory=dict)
    """By sid, the smallest stretch that covers everything which finished in this step."""
    touched: set[int] = field(default_factory=set)
    """Submissions about which somebody may want to know."""
    ready: bool = False
    """Jobs have become ready that no worker has yet."""
    spare: bool = False
    """Jobs have become ready for which there is no seat here."""
    prompt: bool = False
    """All of `work` is single new jobs: it may be started before the commit (`EarlyStart`)."""
    left: defaultdict[int, int] = field(default_factory=lambda: defaultdict(int))
    """How many jobs left each claim, by cid."""
    work: list[Work] = field(default_factory=list)
    """Starts after the commit."""
    early: list[Work] = field(default_factory=list)
    """Started before the commit."""
    ended_early: dict[int, Outcomes] = field(default_factory=dict)
    """By sid, how they ended, as far as they did."""
    events: list[Event] = field(default_factory=list)
    """What the engine reported inside the transaction; to be kept if it is rolled back."""
    after: list[Callable[[], object]] = field(default_factory=list)
    look: bool = False
    """Behind all of `after`: see at once what the engine has to say, as it has when jobs were killed."""
    garbage: list[str] = field(default_factory=list)
    """Names of blobs that nothing references any more."""

    def finish(self, sid: int, lo: int, hi: int) -> None:
        """Jobs lo..hi-1 came to their end."""
        self.touched.add(sid)
        known = self.finished.get(sid)
        if known is not None:
            lo, hi = min(lo, known.lo), max(hi, known.hi)
        self.finished[sid] = Stretch(sid, lo, hi)
