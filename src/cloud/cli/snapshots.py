"""What goes on at a server, as it tells it: a stream that is waited for, not asked again and again."""

import http.client
import json
import os
import threading
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

from cloud.client.http import Endpoint
from cloud.errors import CloudException, ServerUnavailable

_SILENCE_SECONDS = 60.0
"""A server says something more often, also when nothing goes on."""


def snapshots(endpoint: Endpoint) -> Iterator[dict[str, Any]]:
    """One now, and one after each change.

    Raises:
        ServerUnavailable: it cannot be reached, or is gone.
        CloudException: it refuses.
    """
    parts = urlsplit(endpoint.url)
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = kind(parts.hostname or "", parts.port, timeout=_SILENCE_SECONDS)
    try:
        path = f"{parts.path.rstrip('/')}/v1/top?follow=1"
        connection.request("GET", path, headers={"Authorization": endpoint.authorization()})
        answer = connection.getresponse()
        if answer.status != http.client.OK:
            said = json.loads(answer.read())["error"]
            raise CloudException(said["msg"], hint=said.get("hint"))
        for line in answer:
            yield json.loads(line)
    except (OSError, http.client.HTTPException, ValueError, KeyError) as error:
        from cloud.client.unreachable import unreachable

        raise unreachable(endpoint.url, error) from None
    finally:
        connection.close()
    raise ServerUnavailable(f"the server at {endpoint.url} has ended")


class Listener:
    """Takes what the server says, in a thread; `woken` is readable when there is something new."""

    def __init__(self, endpoint: Endpoint) -> None:
        self.latest: dict[str, Any] | None = None
        self.error: CloudException | None = None
        self.woken, self._waking = os.pipe()
        threading.Thread(target=self._listen, args=(endpoint,), daemon=True).start()

    def _listen(self, endpoint: Endpoint) -> None:
        try:
            for snapshot in snapshots(endpoint):
                self.latest = snapshot
                self.wake()
        except CloudException as error:
            self.error = error
            self.wake()

    def wake(self) -> None:
        """Make `woken` readable."""
        os.write(self._waking, b"!")
