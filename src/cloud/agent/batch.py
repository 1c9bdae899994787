"""A batch: consecutive jobs of one claim in one worker's hands."""

from dataclasses import dataclass

from cloud.dispatch.ports import Work
from cloud.model import Status


@dataclass(slots=True)
class Batch:
    """Seqs lo..hi-1 of a worker are jobs `index`.. of the claim."""

    work: Work
    lo: int
    hi: int
    index: int

    @property
    def cid(self) -> int:
        """Its claim."""
        return self.work.claim.cid

    @property
    def sid(self) -> int:
        """Its submission."""
        return self.work.claim.sid

    def index_of(self, seq: int) -> int:
        """Which job of the submission this seq is."""
        return self.index + seq - self.lo

    def split(self, seq: int) -> "Batch":
        """Keep what is below `seq`, return the rest."""
        rest = Batch(self.work, seq, self.hi, self.index_of(seq))
        self.hi = seq
        return rest

    def drop(self, seq: int) -> None:
        """Forget what is below `seq`."""
        self.index = self.index_of(seq)
        self.lo = seq


@dataclass(slots=True)
class Kill:
    """The kill of a job that runs."""

    seq: int
    reason: str
    deadline: float | None
    """Monotonic time at which the whole worker is killed; None: it was."""
    status: Status = Status.KILLED
    """How the job ends."""
