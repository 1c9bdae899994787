"""LISTEN and NOTIFY: what the processes that share a schema tell each other."""

import contextlib
import json
import os
import selectors
import threading
from collections import deque
from collections.abc import Callable

import psycopg

from cloud.dispatch.ports import Kill, News
from cloud.errors import CloudException
from cloud.model import Stretch
from cloud.stores.postgres.link import Link, Opened

_LONGEST = 7500
"""Bytes of a message; PostgreSQL takes 8,000."""


def encoded(writer: str, news: News) -> str:
    """As a message; one that would be too long says only that there is something."""
    value: dict[str, object] = {"w": writer, "s": sorted(news.touched), "r": news.ready, "m": news.missed}
    value["k"] = [[k.stretch.sid, k.stretch.lo, k.stretch.hi, k.force] for k in news.kills]
    text = json.dumps(value, separators=(",", ":"))
    return text if len(text) <= _LONGEST else json.dumps({"w": writer, "m": True})


def decoded(text: str, writer: str) -> News | None:
    """A message of another writer; None: our own. What cannot be understood, from a later version, is looked after."""
    try:
        value = json.loads(text)
        if value["w"] == writer:
            return None
        kills = tuple(Kill(Stretch(sid, lo, hi), force=bool(force)) for sid, lo, hi, force in value.get("k", ()))
        return News(frozenset(value.get("s", ())), bool(value.get("r")), kills, bool(value.get("m")))
    except (ValueError, KeyError, TypeError):
        return News(missed=True)


class Listener:
    """Hears in a thread and on a connection of its own: one that is lost is made anew, and nobody waits for it."""

    def __init__(self, link: Link, channel: str, writer: str, send: Callable[[str], None]) -> None:
        self._link = Link(link.address)
        self._channel = channel
        self._writer = writer
        self._send = send
        self._heard: deque[News] = deque()
        self._readable, self._writable = os.pipe()
        self._stop_r, self._stop_w = os.pipe()
        for end in (self._readable, self._writable):
            os.set_blocking(end, False)
        self._thread = threading.Thread(target=self._run, name="picloud-signals", daemon=True)
        self._thread.start()

    def fileno(self) -> int:
        """Readable when there is something to hear."""
        return self._readable

    def tell(self, news: News) -> None:
        """Tell all others: inside a transaction of the store after its commit, outside at once."""
        self._send(encoded(self._writer, news))

    def heard(self) -> News | None:
        """What others told since the last call, put together; None: nothing."""
        with contextlib.suppress(BlockingIOError):
            os.read(self._readable, 4096)
        found = []
        while self._heard:
            found.append(self._heard.popleft())
        if not found:
            return None
        return News(
            frozenset().union(*(news.touched for news in found)),
            any(news.ready for news in found),
            tuple(kill for news in found for kill in news.kills),
            any(news.missed for news in found),
        )

    def close(self) -> None:
        """Hear nothing any more."""
        os.write(self._stop_w, b"!")
        self._thread.join()
        for end in (self._readable, self._writable, self._stop_r, self._stop_w):
            os.close(end)

    def _run(self) -> None:
        with selectors.DefaultSelector() as stop:
            stop.register(self._stop_r, selectors.EVENT_READ)
            pause = 0.0
            while not stop.select(pause):
                try:
                    db = self._link.open(patient=False)
                except CloudException:
                    pause = 0.5
                    continue
                try:
                    db.execute(f'LISTEN "{self._channel}"'.encode())
                    self._say(News(missed=True))
                    self._listen(db)
                    pause = 0.0
                except (psycopg.Error, OSError):
                    pause = 0.05
                finally:
                    db.close()

    def _listen(self, db: Opened) -> None:
        with selectors.DefaultSelector() as events:
            events.register(self._stop_r, selectors.EVENT_READ)
            events.register(db.fileno(), selectors.EVENT_READ)
            while all(key.fd != self._stop_r for key, _ in events.select()):
                db.pgconn.consume_input()
                while (note := db.pgconn.notifies()) is not None:
                    news = decoded(note.extra.decode(errors="replace"), self._writer)
                    if news is not None:
                        self._say(news)

    def _say(self, news: News) -> None:
        self._heard.append(news)
        with contextlib.suppress(BlockingIOError):
            os.write(self._writable, b"!")
