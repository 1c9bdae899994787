"""Starting a lone short job before its submission is on disk: one commit then holds its beginning and its end."""

from cloud.dispatch.ports import Clock, Engine, Event, Finished, Work

WORTH_WAITING_SECONDS = 200e-6
"""A job expected to take no longer is waited for with the transaction open; the disk alone would take as long."""
PATIENCE_SECONDS = 500e-6
"""How long at most, also if it takes longer than expected."""
SELECTABLE = 1024
"""Descriptors from here on, in a program with many files, cannot be waited for to the microsecond."""


class EarlyStart:
    """Decides when, and waits.

    Nobody sees more than is on disk: acknowledgement and result leave after the commit. If the commit fails or the
    server dies before it, the job has run without a trace and the client submits it again, which only a job that may be
    restarted allows.
    """

    def __init__(self, engine: Engine, clock: Clock) -> None:
        self._engine = engine
        self._clock = clock
        self._selectable = engine.fileno() < SELECTABLE

    def suits(self, work: list[Work]) -> bool:
        """Whether this is all so short that waiting for it costs nothing."""
        return self._selectable and bool(work) and all(map(self._is_short, work))

    def wait(self, work: list[Work]) -> list[Event]:
        """What happened until all of this work ended, or the patience did."""
        events: list[Event] = []
        missing = len(work)  # a job each
        cids = {item.claim.cid for item in work}
        deadline = self._clock.monotonic() + PATIENCE_SECONDS
        while missing > 0 and (left := deadline - self._clock.monotonic()) > 0:
            self._engine.wait(left)
            for event in self._engine.poll():
                events.append(event)
                if isinstance(event, Finished) and event.cid in cids:
                    missing -= event.outcomes.count
        return events

    def _is_short(self, item: Work) -> bool:
        spec = item.submission.spec
        if not spec.restartable or spec.kill_process or item.claim.hi - item.claim.lo > 1:
            return False
        seconds = self._engine.expected_seconds(spec.function)
        return seconds is not None and seconds <= WORTH_WAITING_SECONDS
