"""Ports free while nobody listens: systems give none of these to connections, nor to who asks for any."""

import random
import socket

_BELOW_EPHEMERAL = range(20_000, 32_000)
"""Linux gives out what is above, other systems what is far above."""


def free_port() -> int:
    """One on loopback that is free now, and that nobody gets by chance while a server on it starts, or starts again."""
    while True:
        port = random.choice(_BELOW_EPHEMERAL)
        with socket.socket() as sock:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                sock.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
