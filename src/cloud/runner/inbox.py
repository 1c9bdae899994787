"""What the agent sends on the work socket: messages, some with descriptors."""

import select
import socket
from array import array
from collections import deque
from collections.abc import Callable

from cloud.wire.brief import decode as open_brief
from cloud.wire.brief import is_brief, size_of
from cloud.wire.message import PREFIX, Header, decode, rest_of

_CONTROL_SPACE = socket.CMSG_SPACE(64 * 4)
_CLOEXEC = getattr(socket, "MSG_CMSG_CLOEXEC", 0)
LEISURE_MILLISECONDS = 2
"""After so long without a message the next one is not expected at once."""


class Inbox:
    """Messages in order of arrival; descriptors in the order in which messages mention them."""

    def __init__(self, work: socket.socket) -> None:
        self._socket = work
        self._poll = select.poll()
        self._poll.register(work, select.POLLIN)
        self._scratch = memoryview(bytearray(1 << 17))  # made once: a buffer per message costs more than the message
        self._buffer = bytearray()
        self._messages: deque[tuple[Header, list[memoryview]]] = deque()
        self._descriptors: deque[int] = deque()

    def next(
        self, before_waiting: Callable[[], None], at_leisure: Callable[[], None]
    ) -> tuple[Header, list[memoryview]] | None:
        """The next message; None when the agent is gone.

        Args:
            before_waiting: called when there is none yet.
            at_leisure: called when none came for `LEISURE_MILLISECONDS`.
        """
        while not self._messages:
            if not self._parse():
                before_waiting()
                if not self._poll.poll(LEISURE_MILLISECONDS):
                    at_leisure()
                if not self._receive():
                    return None
        return self._messages.popleft()

    def put_aside_until(self, done: Callable[[], bool]) -> bool:
        """Receive, and keep for later, until `done`; False when the agent is gone."""
        while not done():
            if not self._receive():
                return False
            while self._parse():
                pass
        return True

    def descriptor(self) -> int:
        """The next descriptor; the message that mentions it brought it along."""
        return self._descriptors.popleft()

    def _parse(self) -> bool:
        """Move one message from the buffer to the messages."""
        buffer = self._buffer
        if len(buffer) < PREFIX.size:
            return False
        short = is_brief(buffer)
        size = size_of(buffer) if short else PREFIX.size + rest_of(buffer)
        if len(buffer) < size:
            return False
        if len(buffer) == size:
            whole, self._buffer = buffer, bytearray()
        else:
            whole = buffer[:size]
            del buffer[:size]
        header, frames = open_brief(whole) if short else decode(whole)
        if header["op"] != "space":
            self._messages.append((header, frames))
        return True

    def _receive(self) -> bool:
        try:
            size, ancillary, _, _ = self._socket.recvmsg_into([self._scratch], _CONTROL_SPACE, _CLOEXEC)
        except ConnectionError:
            return False
        for level, kind, content in ancillary:
            if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
                fds = array("i")
                fds.frombytes(content[: len(content) - len(content) % fds.itemsize])
                self._descriptors.extend(fds)
        self._buffer += self._scratch[:size]
        return size > 0
