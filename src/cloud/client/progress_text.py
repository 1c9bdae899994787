"""Progress in words: counts by status, rate and time left."""

from collections.abc import Mapping

from cloud.model import Status

_FAILED = [status.word for status in Status if status.failed]


class Counts:
    """What is known of the jobs that somebody waits for."""

    def __init__(self, name: str, total: int, first_jid: int) -> None:
        self.name = name
        """Of the function, printable; '' if it is not known."""
        self.total = total
        self.first_jid = first_jid
        self.by_word: dict[str, int] = {}
        self.finished = 0
        self.elapsed_seconds = 0.0
        self.per_second = 0.0
        """Finished lately; 0: not known."""
        self.over = False

    def take(self, by_word: Mapping[str, int]) -> None:
        """What the cloud says: words of statuses and how many jobs have them."""
        self.by_word = dict(by_word)
        self.at_least(self.done + self.failed)

    def at_least(self, finished: int) -> None:
        """So many are finished, maybe more."""
        self.finished = max(self.finished, finished)

    @property
    def done(self) -> int:
        """Finished well, by the cloud's last word."""
        return self.by_word.get(Status.DONE.word, 0)

    @property
    def failed(self) -> int:
        """Ended in error, killed or stalled, by the cloud's last word."""
        return sum(self.by_word.get(word, 0) for word in _FAILED)

    @property
    def share(self) -> float:
        """0 to 1."""
        return self.finished / self.total if self.total else 1.0

    def words(self, *, clock: bool = True) -> list[str]:
        """'1,204/10,000 done', '2 failed', '8 running', '1,830/s', '00:05 left'; the most important first.

        Args:
            clock: whether to say what is known of time.
        """
        elapsed = [duration(self.elapsed_seconds)] * clock
        if self.total == 1 and not self.over:
            return [f"job {self.first_jid} {next(iter(self.by_word), 'unfinished')}", *elapsed]
        words = [f"{self.finished - self.failed:,}/{self.total:,} done"]
        if self.failed:
            words.append(f"{self.failed:,} failed")
        if self.over:
            return words + elapsed
        words += self._unfinished()
        if self.per_second <= 0 or not clock:
            return words + elapsed
        left = duration((self.total - self.finished) / self.per_second + 0.999)
        return [*words, rate(self.per_second), f"{left} left"]

    def _unfinished(self) -> list[str]:
        """How many run, or if none does, what they are."""
        for status, word in ((Status.PROCESSING, "running"), (Status.QUEUED, "queued"), (Status.WAITING, "waiting")):
            if number := self.by_word.get(status.word):
                return [f"{number:,} {word}"]
        return []


def rate(per_second: float) -> str:
    """'1,830/s', '2.4/s', '24/min', '3/h'."""
    if per_second >= 10:
        return f"{per_second:,.0f}/s"
    if per_second >= 1:
        return f"{per_second:.1f}/s"
    if per_second * 60 >= 1:
        return f"{per_second * 60:.0f}/min"
    return f"{per_second * 3600:.0f}/h"


def duration(seconds: float) -> str:
    """'00:05', '1:02:03', '2 days 1:02:03'."""
    minutes, second = divmod(int(seconds), 60)
    hours, minute = divmod(minutes, 60)
    days, hour = divmod(hours, 24)
    text = f"{hour}:{minute:02}:{second:02}" if hours else f"{minute:02}:{second:02}"
    return f"{days:,} day{'s' * (days > 1)} {text}" if days else text
