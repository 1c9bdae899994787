"""Addresses for servers that must be found again after a restart."""

import socket


def free_port() -> int:
    """One that nobody listens at just now."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port: int = sock.getsockname()[1]
        return port
