"""Large results fetched ahead of the iterator that wants them, a bounded number at a time (SPEC S9)."""

import threading
from collections import deque
from collections.abc import Callable, Sequence

from cloud.model import BlobRef, Buffer

Read = Callable[[int, str], Buffer]


class ReadAhead:
    """At most `most` blobs, read by a daemon thread that ends when there is nothing to do."""

    def __init__(self, read: Read, most: int) -> None:
        self._read = read
        self.most = most
        self._changed = threading.Condition()
        self._wanted: deque[tuple[int, str]] = deque()
        self._read_now: int | None = None
        self._ready: dict[int, Buffer | BaseException] = {}
        self._runs = False

    def want(self, blobs: Sequence[tuple[int, BlobRef]]) -> None:
        """These are wanted next, in this order; what was wanted before and has not been begun is forgotten."""
        with self._changed:
            keep = {jid for jid, _ in blobs[: self.most]}
            self._ready = {jid: blob for jid, blob in self._ready.items() if jid in keep}
            self._wanted = deque(
                (jid, ref.name) for jid, ref in blobs[: self.most] if jid not in self._ready and jid != self._read_now
            )
            if self._wanted and not self._runs:
                self._runs = True
                threading.Thread(target=self._work, name="cloud-read-ahead", daemon=True).start()

    def take(self, jid: int, ref: BlobRef) -> Buffer:
        """The blob of a job, waiting for it if it is being read, reading it here if nobody does.

        Raises:
            CloudException: it cannot be read.
        """
        with self._changed:
            while self._read_now == jid:
                self._changed.wait()
            self._wanted = deque(item for item in self._wanted if item[0] != jid)
            blob = self._ready.pop(jid, None)
        if blob is None or isinstance(blob, BaseException):  # an error may have passed in the meantime
            return self._read(jid, ref.name)
        return blob

    def _work(self) -> None:
        while True:
            with self._changed:
                if not self._wanted:
                    self._runs = False
                    return
                jid, name = self._wanted.popleft()
                self._read_now = jid
            blob: Buffer | BaseException
            try:
                blob = self._read(jid, name)
            except BaseException as error:
                blob = error
            with self._changed:
                self._ready[jid] = blob
                self._read_now = None
                self._changed.notify_all()
