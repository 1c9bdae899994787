"""The seven statuses of a job, and the word a user sees for each (PiCloud's own)."""

import enum


class Status(enum.IntEnum):
    """Where a job is in its life; the integer is what columns and the wire carry, one byte per job."""

    WAITING = 0
    """Its dependencies are not all finished, or its map is still being sent."""
    QUEUED = 1
    """Ready; no worker has it yet."""
    PROCESSING = 2
    """Claimed by a dispatcher: it runs, or may have started."""
    DONE = 3
    """Returned; the result is stored. Final."""
    ERROR = 4
    """Raised, or could not be run. Final."""
    KILLED = 5
    """Killed by a user or by its maximum run time. Final."""
    STALLED = 6
    """Never runs: a job it depends on failed. Final."""
    DELETED = 7
    """Finished and forgotten at the user's wish. Never shown: asking for it says that there is no such job."""

    @property
    def word(self) -> str:
        """What users see: 'waiting', 'queued', ..."""
        return self.name.lower()

    @property
    def finished(self) -> bool:
        """Whether nothing can follow."""
        return self >= Status.DONE

    @property
    def failed(self) -> bool:
        """Whether jobs that depend on this one stall."""
        return self in (Status.ERROR, Status.KILLED, Status.STALLED)


FINISHED_WORDS = ["done", "stalled", "error", "killed"]
"""`cloud.finished_statuses`, in PiCloud's order (SPEC B.1)."""
