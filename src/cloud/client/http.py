"""JobApi over HTTP: pooled keep-alive connections, and every request repeated until it is answered or patience ends.

Repeating is harmless by the protocol's design: submissions carry a token, everything else may be asked or done twice.
"""

import base64
import logging
import os
import random
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from cloud.client.connection import Answer, Connection, Lost
from cloud.client.remote import RemoteApi
from cloud.errors import CloudException
from cloud.model import Buffer
from cloud.wire.calls import answer_of
from cloud.wire.message import MAGIC, PREFIX, decode

log = logging.getLogger("Cloud.http")

GIVE_UP_SECONDS = 30.0
"""How long a server that does not answer is asked again."""
FIRST_GIVE_UP_SECONDS = 10.0
"""The same for one that never answered: the address may be wrong."""
ANSWER_SECONDS = 60.0
"""The longest pause of a server that is at work on an answer."""
IDLE_CONNECTIONS = 8
_FIRST_PAUSE_SECONDS = 0.05
_LONGEST_PAUSE_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A server, and who we are to it."""

    url: str
    """Without a slash at the end."""
    api_key: str | None = None
    api_secretkey: str | None = field(default=None, repr=False)
    token: Callable[[], str] | None = None
    """The token of the job that runs now, instead of a key."""

    def authorization(self) -> str:
        """The HTTP header's value; '' for none."""
        if self.token is not None:
            return f"Bearer {self.token()}"
        if self.api_key is None:
            return ""
        pair = f"{self.api_key}:{self.api_secretkey or ''}".encode()
        return f"Basic {base64.b64encode(pair).decode()}"


Reconnect = Callable[[Endpoint], Endpoint]
"""Given the endpoint that does not answer: where to go instead (having started the server there, perhaps)."""


class HttpApi(RemoteApi):
    """A server. Safe to use from several threads, and in a child process after a fork.

    Args:
        endpoint: where it is.
        reconnect: what to do when it cannot be reached, before asking again.
        inside: whether this code runs in a job of that server.
        give_up_seconds: how long to go on asking a server that does not answer.
    """

    durable = True
    past_server = True

    def __init__(
        self,
        endpoint: Endpoint,
        reconnect: Reconnect | None = None,
        *,
        inside: bool = False,
        give_up_seconds: float = GIVE_UP_SECONDS,
    ) -> None:
        super().__init__()
        self.endpoint = endpoint
        self.inside = inside
        self._reconnect = reconnect
        self._give_up_seconds = give_up_seconds
        self._answered = False
        self._forget()

    def _forget(self) -> None:
        self._pid = os.getpid()
        self._lock = threading.Lock()
        self._idle: list[tuple[Endpoint, Connection]] = []

    def close(self) -> None:
        """Close idle connections; those in use close with their request."""
        with self._lock:
            idle, self._idle = self._idle, []
        for _, connection in idle:
            connection.close()

    def exchange(self, op: str, parts: Sequence[Buffer], held_seconds: float = 0.0) -> bytearray:
        """See `RemoteApi`.

        Raises:
            ServerUnavailable: no answer for `give_up_seconds`.
            NotAuthorised: the key is refused.
            ProtocolMismatch: what is there is not a server we can talk to.
        """
        failed_since: float | None = None
        pause_seconds = _FIRST_PAUSE_SECONDS
        while True:
            try:
                return self._once(op, parts, held_seconds)
            except _Stale:
                continue  # the server had closed an idle connection: no failure at all
            except _Again as trouble:
                now = time.monotonic()
                failed_since = failed_since or now
                if now - failed_since + pause_seconds > self._patience():
                    raise self._given_up(trouble, now - failed_since) from None
                log.info("%s; it is asked again", trouble.final.parameter, extra={"asks_again": True})
                if trouble.unreachable and self._reconnect is not None:
                    self._go_elsewhere(self._reconnect)
            time.sleep(pause_seconds * random.uniform(0.5, 1.0))  # noqa: S311 (spreads clients, hides nothing)
            pause_seconds = min(2 * pause_seconds, _LONGEST_PAUSE_SECONDS)

    def _given_up(self, trouble: "_Again", seconds: float) -> CloudException:
        """What to say when patience ends."""
        error = trouble.final
        if trouble.hung_up and not self._answered:
            from cloud.client.unreachable import never_answered

            error = never_answered(self.endpoint.url, error)
        if seconds >= 1:
            error.parameter += f"; it was asked again for {seconds:.0f} seconds"
        return error

    def _patience(self) -> float:
        return self._give_up_seconds if self._answered else min(self._give_up_seconds, FIRST_GIVE_UP_SECONDS)

    def _go_elsewhere(self, reconnect: Reconnect) -> None:
        self.close()
        self.endpoint = reconnect(self.endpoint)

    def _once(self, op: str, parts: Sequence[Buffer], held_seconds: float) -> bytearray:
        endpoint = self.endpoint
        connection = self._connection(endpoint)
        reused = connection.requests > 0
        try:
            answer = connection.request(op, endpoint.authorization(), parts, held_seconds + ANSWER_SECONDS)
        except (OSError, Lost) as error:
            connection.close()
            if reused and not isinstance(error, TimeoutError):
                self.close()  # the others are as old
                raise _Stale from error
            raise self._unreachable(endpoint, error) from None
        except BaseException:  # Ctrl-C, or a kill: an answer may still come, and must not be taken for the next one's
            connection.close()
            raise
        self._answered = True
        self._give_back(endpoint, connection, answer)
        return _body_of(answer, endpoint)

    def _connection(self, endpoint: Endpoint) -> Connection:
        if self._pid != os.getpid():  # the parent's connections are not ours to use
            self._forget()
        with self._lock:
            while self._idle:
                for_endpoint, connection = self._idle.pop()
                if for_endpoint is endpoint:
                    return connection
                connection.close()
        try:
            return Connection(endpoint.url)
        except OSError as error:
            raise self._unreachable(endpoint, error) from None

    def _unreachable(self, endpoint: Endpoint, error: Exception) -> Exception:
        from cloud.client.unreachable import never_reachable, unreachable

        if not self._answered and (final := never_reachable(endpoint.url, error)) is not None:
            return final
        hung_up = isinstance(error, Lost | ConnectionError) and not isinstance(error, ConnectionRefusedError)
        return _Again(
            unreachable(endpoint.url, error, own=self._reconnect is not None), unreachable=True, hung_up=hung_up
        )

    def _give_back(self, endpoint: Endpoint, connection: Connection, answer: Answer) -> None:
        if answer.headers.get("connection", "").lower() != "close" and len(self._idle) < IDLE_CONNECTIONS:
            with self._lock:
                self._idle.append((endpoint, connection))
        else:
            connection.close()


class _Stale(Exception):
    """A connection that had been idle was closed by the server."""


class _Again(Exception):
    """The request may be sent again; `final` is what to say when patience ends."""

    def __init__(self, final: CloudException, *, unreachable: bool = False, hung_up: bool = False) -> None:
        super().__init__(final)
        self.final = final
        self.unreachable = unreachable
        self.hung_up = hung_up


def _body_of(answer: Answer, endpoint: Endpoint) -> bytearray:
    """The message in an answer.

    Raises:
        CloudException: the answer is an error for good.
        _Again: it is one that may pass.
    """
    body = answer.body
    if not body.startswith(MAGIC[:2]):
        raise _foreign(answer, endpoint)
    if answer.status == 200 and not body.startswith(b'{"error"', PREFIX.size):
        return body
    header, _ = decode(body)
    try:
        answer_of(header)
    except CloudException as error:
        if error.retry:
            raise _Again(error) from None
        from cloud.client.unreachable import refused

        raise refused(error, endpoint.url, endpoint.api_key) from None
    return body


def _foreign(answer: Answer, endpoint: Endpoint) -> Exception:
    from cloud.client.unreachable import foreign

    error = foreign(answer, endpoint.url)
    return _Again(error) if error.retry else error
