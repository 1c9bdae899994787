"""`JobApi.stack` as a question: held until the engine knows what the job is doing."""

from cloud.dispatch.naming import Naming, not_found
from cloud.dispatch.ports import Engine, Stack, Store
from cloud.dispatch.questions import first_missing
from cloud.dispatch.waiters import About
from cloud.errors import CloudTimeoutError, JobNotRunning
from cloud.model import Status

LOOK_SECONDS = 0.5
GIVE_UP_SECONDS = 10.0


class StackQuestion:
    """Asks the engine at once; gives up `GIVE_UP_SECONDS` after `now`."""

    def __init__(self, store: Store, engine: Engine, naming: Naming, jid: int, *, now: float) -> None:
        self._store = store
        self._jid = jid
        self._named = naming.find((range(jid, jid + 1),))[0]
        sid, index = self._named.stretch.sid, self._named.stretch.lo
        self._stack: Stack | None = engine.stack(sid, index)
        self._until = now + GIVE_UP_SECONDS
        self.sids: frozenset[About] = frozenset([sid, (sid, index)])
        self.deadline: float | None = now + LOOK_SECONDS

    def look(self, now: float) -> str | None:
        """The text.

        Raises:
            JobNotRunning: there is no stack to be seen.
        """
        if self._stack is None:
            raise self._not_running()
        if self._stack.text:
            return self._stack.text
        if self._stack.fault:
            raise JobNotRunning(f"its stack cannot be seen: {self._stack.fault}", jid=self._jid)
        if now >= self._until:
            raise CloudTimeoutError("its machine did not say what it is doing", jid=self._jid)
        self.deadline = min(self._until, now + LOOK_SECONDS)
        return None

    def _not_running(self) -> Exception:
        stretch = self._named.stretch
        rows = self._store.outcomes(stretch)
        if rows:
            word = rows[0].status_of(stretch.lo).word
            hint = "cloud.info(jid, 'exception') says where it failed" if rows[0].status_of(stretch.lo).failed else None
            return JobNotRunning(f"it is {word}, and only a running job has a stack", self._jid, word, hint=hint)
        if first_missing(self._store, stretch) is not None:
            return not_found(self._jid)
        if self._store.claims(stretch):
            word = Status.PROCESSING.word
            return JobNotRunning("a worker has it, and does not run it yet, or not any more", self._jid, word)
        ready = any(pending.ready for pending in self._store.pending(stretch))
        word = (Status.QUEUED if ready else Status.WAITING).word
        hint = "cloud.why(jid) says what it waits for"
        return JobNotRunning(f"it is {word}, and only a running job has a stack", self._jid, word, hint=hint)
