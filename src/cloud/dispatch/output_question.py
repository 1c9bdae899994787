"""`JobApi.output` as a question: what did a job write behind a position? Held until it writes more or ends."""

from cloud.api import MAX_OUTPUT_BYTES, STREAMS, OutputPiece
from cloud.dispatch.naming import Naming, not_found
from cloud.dispatch.ports import Engine, Store
from cloud.dispatch.questions import first_missing
from cloud.dispatch.waiters import About
from cloud.errors import InvalidSubmission
from cloud.model import Outcomes
from cloud.wire.strangers import dict_in

LOOK_SECONDS = 30.0
"""The engine forgets who is followed if nobody asks again."""
LOOK_CLOSELY_SECONDS = 0.1
"""How often to look at an engine that wakes nobody."""


class OutputQuestion:
    """Looks at the engine while the job runs, and at what is stored when it is finished.

    Args:
        start, attempt: what the asker has: so many bytes of this attempt (0: of whichever).
        until: monotonic time at which an empty piece is an answer, too; None: never.
    """

    def __init__(
        self, store: Store, engine: Engine, naming: Naming, jid: int, stream: str, *, start: int, attempt: int,
        until: float | None,
    ) -> None:  # fmt: skip
        if stream not in STREAMS:
            raise InvalidSubmission(f"there is no stream {stream!r}; there are: {', '.join(STREAMS)}")
        if start < 0 or attempt < 0:
            raise InvalidSubmission("positions in the output of a job, and its attempts, are not negative")
        self._store = store
        self._engine = engine
        self._named = naming.find((range(jid, jid + 1),))[0]
        self._jid = jid
        self._stream = stream
        self._start = start
        self._attempt = attempt
        self._until = until
        self._look_seconds = LOOK_SECONDS if engine.fileno() >= 0 else LOOK_CLOSELY_SECONDS
        self.sids: frozenset[About] = frozenset([self._named.stretch.sid, (self._named.stretch.sid, self._index)])
        self.deadline: float | None = until

    @property
    def _index(self) -> int:
        return self._named.stretch.lo

    def look(self, now: float) -> OutputPiece | None:
        """A piece with something in it, or the last one, or, when it is time, an empty one."""
        stretch = self._named.stretch
        piece = self._of_running()
        if piece is None:
            rows = self._store.outcomes(
                stretch, columns=(self._stream, "extra") if self._stream != "logging" else ("extra",)
            )
            if rows:
                return self._of_finished(rows[0])
            if first_missing(self._store, stretch) is not None:
                raise not_found(self._jid)
        if piece is None:
            piece = OutputPiece(self._start, b"", ended=False, attempt=self._attempt)
        if piece.data or (self._until is not None and now >= self._until):
            return piece
        self._engine.follow(stretch.sid, self._index)
        again = now + self._look_seconds
        self.deadline = again if self._until is None else min(again, self._until)
        return None

    def _begin(self, attempt: int) -> int:
        return self._start if self._attempt in (0, attempt) else 0

    def _of_running(self) -> OutputPiece | None:
        ask = self._engine.said
        sid, index, stream = self._named.stretch.sid, self._index, self._stream
        said = ask(sid, index, stream, self._start, MAX_OUTPUT_BYTES)
        if said is not None and self._begin(said.attempt) != self._start:
            said = ask(sid, index, stream, 0, MAX_OUTPUT_BYTES)
        return None if said is None else OutputPiece(said.start, said.data, ended=False, attempt=said.attempt)

    def _of_finished(self, outcomes: Outcomes) -> OutputPiece:
        noted = dict_in(outcomes.bytes_of("extra", self._index))
        if self._stream == "logging":
            written = (str(noted["logging"]) + "\n").encode("utf-8", "replace") if noted.get("logging") else b""
        else:
            written = bytes(outcomes.bytes_of(self._stream, self._index))
        all_dropped = noted.get("dropped")
        dropped = all_dropped.get(self._stream) if isinstance(all_dropped, dict) else 0
        dropped = dropped if isinstance(dropped, int) else 0
        start = max(self._begin(outcomes.attempt), dropped)
        data = written[start - dropped :][:MAX_OUTPUT_BYTES]
        return OutputPiece(start, data, ended=start + len(data) >= dropped + len(written), attempt=outcomes.attempt)
