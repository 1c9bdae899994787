"""A proxy that loses answers: the request arrives, the connection breaks before the answer is through."""

import contextlib
import socket
import threading
from collections.abc import Callable


class LossyProxy:
    """Forwards TCP connections to a port of this machine.

    Args:
        port: where to.
        loses: looks at the first bytes of each request; True: deliver it, then break the connection instead of
            answering.
    """

    def __init__(self, port: int, loses: Callable[[bytes], bool]) -> None:
        self._target = port
        self._loses = loses
        self.lost = 0
        """Answers that were lost."""
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listening.getsockname()[1]
        self._sockets: list[socket.socket] = [self._listening]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                near, _ = self._listening.accept()
                far = socket.create_connection(("127.0.0.1", self._target))
                self._sockets += [near, far]
                losing = threading.Event()
                threading.Thread(target=self._forward, args=(near, far, losing), daemon=True).start()
                threading.Thread(target=self._answer, args=(far, near, losing), daemon=True).start()

    def _forward(self, near: socket.socket, far: socket.socket, losing: threading.Event) -> None:
        with contextlib.suppress(OSError):
            while data := near.recv(1 << 16):
                if self._loses(data):
                    losing.set()
                far.sendall(data)

    def _answer(self, far: socket.socket, near: socket.socket, losing: threading.Event) -> None:
        with contextlib.suppress(OSError):
            while data := far.recv(1 << 16):
                if losing.is_set():
                    self.lost += 1
                    break
                near.sendall(data)
        for end in (near, far):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Break everything."""
        for one in self._sockets:
            one.close()
