"""Large blobs, read from and written to the object store that holds them, under links that the server gives.

A link is a secret for some minutes: it is in no log and no message of an error.
"""

import http.client
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from urllib.parse import SplitResult, urlsplit

from cloud.client.direct import NoWay
from cloud.model import Buffer

PART_BYTES = 8 << 20
"""Larger blobs are read in parts, several at a time, so that one slow connection is not the limit."""
CONNECTIONS = 4
ATTEMPTS = 3
_CONNECT_SECONDS = 3.0
_PAUSE_SECONDS = 60.0
"""The longest pause of a store that is at work."""
_FIRST_PAUSE_SECONDS = 0.05
_SLICE_BYTES = 4 << 20
_EXPIRED = (400, 401, 403)


def fetch(link: str, size_bytes: int, renew: Callable[[], str | None]) -> memoryview:
    """What is under a link; writable.

    Args:
        renew: gives a new link when this one has run out.

    Raises:
        NoWay: it cannot be had.
    """
    return _Fetch(link, size_bytes, renew).all()


def put(link: str, parts: Sequence[Buffer], size_bytes: int) -> None:
    """Write what is to be under a link, in one request.

    Raises:
        NoWay: it could not be written.
    """
    for attempt in range(1, ATTEMPTS + 1):
        try:
            _put_once(urlsplit(link), parts, size_bytes)
            return
        except (OSError, http.client.HTTPException) as error:
            _pause(error, attempt)


class _Fetch:
    """A blob on its way here."""

    def __init__(self, link: str, size_bytes: int, renew: Callable[[], str | None]) -> None:
        self._link, self._size_bytes, self._renew = link, size_bytes, renew
        self._whole = memoryview(bytearray(size_bytes))
        self._starts = deque(range(0, size_bytes, PART_BYTES))
        self._renewing = threading.Lock()
        self._failure: NoWay | None = None

    def all(self) -> memoryview:
        threads = [
            threading.Thread(target=self._work, name="cloud-direct", daemon=True)
            for _ in range(min(CONNECTIONS, len(self._starts)) - 1)
        ]
        for thread in threads:
            thread.start()
        try:
            self._work()
        finally:
            self._starts.clear()  # also after Ctrl-C
        for thread in threads:
            thread.join()
        if self._failure is not None:
            raise self._failure
        return self._whole

    def _work(self) -> None:
        connection: http.client.HTTPConnection | None = None
        try:
            while self._failure is None:
                try:
                    start = self._starts.popleft()
                except IndexError:
                    return
                connection = self._part(start, connection)
        except NoWay as failure:
            self._failure = failure
        except Exception as error:
            self._failure = NoWay(_said(error))
        finally:
            if connection is not None:
                connection.close()

    def _part(self, start: int, connection: http.client.HTTPConnection | None) -> http.client.HTTPConnection:
        """Read one; the connection can be used again."""
        view = self._whole[start : start + PART_BYTES]
        for attempt in range(1, ATTEMPTS + 1):
            link = self._link
            url = urlsplit(link)
            try:
                connection = connection or _connect(url)
                status = self._read(connection, url, start, view)
            except (OSError, http.client.HTTPException, NoWay) as error:
                if connection is not None:
                    connection.close()
                connection = None
                _pause(error, attempt)
                continue
            if status == 206:
                return connection
            connection.close()
            connection = None
            if status not in _EXPIRED:
                raise NoWay(f"it answered with HTTP status {status}")
            self._renewed(link)
        raise NoWay("its links are refused")

    def _read(self, connection: http.client.HTTPConnection, url: SplitResult, start: int, view: memoryview) -> int:
        wanted = f"bytes={start}-{start + len(view) - 1}"
        connection.request("GET", f"{url.path}?{url.query}", headers={"Range": wanted, "Accept-Encoding": "identity"})
        answer = connection.getresponse()
        if answer.status != 206:
            _complain_of_trouble(answer.status)
            return answer.status
        if answer.headers.get("Content-Range", "") != f"bytes {start}-{start + len(view) - 1}/{self._size_bytes}":
            raise NoWay("it sent another part than was asked for")
        filled = 0
        while filled < len(view):
            number = answer.readinto(view[filled:])
            if not number:
                raise http.client.IncompleteRead(b"", len(view) - filled)
            filled += number
        answer.read()  # the end, so that the next request may follow
        return answer.status

    def _renewed(self, refused: str) -> None:
        with self._renewing:
            if self._link == refused:
                link = self._renew()
                if link is None:
                    raise NoWay("there are no links any more")
                self._link = link


def _put_once(url: SplitResult, parts: Sequence[Buffer], size_bytes: int) -> None:
    connection = _connect(url)
    try:
        connection.putrequest("PUT", f"{url.path}?{url.query}", skip_accept_encoding=True)
        connection.putheader("Content-Length", str(size_bytes))
        connection.endheaders()
        for part in parts:
            view = memoryview(part).cast("B")
            for start in range(0, len(view), _SLICE_BYTES):  # the timeout is for all that one call sends
                connection.send(view[start : start + _SLICE_BYTES])
        answer = connection.getresponse()
        answer.read()
        _complain_of_trouble(answer.status)
        if not 200 <= answer.status < 300:
            raise NoWay(f"it answered with HTTP status {answer.status}")
    finally:
        connection.close()


def _connect(url: SplitResult) -> http.client.HTTPConnection:
    kind = http.client.HTTPSConnection if url.scheme == "https" else http.client.HTTPConnection
    connection = kind(url.hostname or "", url.port, timeout=_CONNECT_SECONDS)
    connection.connect()
    connection.sock.settimeout(_PAUSE_SECONDS)
    return connection


def _complain_of_trouble(status: int) -> None:
    if status >= 500:
        raise ConnectionError(f"it answered with HTTP status {status}")


def _pause(error: Exception, attempt: int) -> None:
    """Before the next attempt, if there is to be one."""
    if isinstance(error, NoWay):
        raise error
    if attempt == ATTEMPTS or isinstance(error, ConnectionRefusedError):
        raise NoWay(_said(error)) from None
    time.sleep(_FIRST_PAUSE_SECONDS * 2**attempt)


def _said(error: Exception) -> str:
    return f"{type(error).__name__}: {error}" if isinstance(error, OSError) else type(error).__name__
