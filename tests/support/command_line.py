"""The command `picloud` in a process of its own, on a server of its own."""

import fcntl
import json
import os
import pty
import select
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from tests.support.lossy import LossyProxy

PICLOUD = [sys.executable, "-m", "cloud.cli"]
_SECONDS = 300.0


Step = tuple[bytes, bytes | Callable[[], object]]


class CommandLine:
    """Runs commands in a folder, for one config directory."""

    def __init__(self, home: Path, folder: Path) -> None:
        self.folder = folder
        self.program = PICLOUD
        self.environment = {**os.environ, "PICLOUD_HOME": str(home), "PICLOUD_WORKERS": "2", "TERM": "xterm"}
        self.environment.pop("NO_COLOR", None)
        self.status = 0
        """How the last command on a terminal ended."""

    def run(self, *arguments: str, stdin: str = "") -> "subprocess.CompletedProcess[bytes]":
        """What became of a command."""
        return subprocess.run(
            [*PICLOUD, *arguments], input=stdin.encode(), capture_output=True, cwd=self.folder, env=self.environment,
            timeout=_SECONDS, check=False,
        )  # fmt: skip

    def text(self, *arguments: str, stdin: str = "") -> str:
        """What a command that goes well prints."""
        done = self.run(*arguments, stdin=stdin)
        assert done.returncode == 0, (arguments, done.stderr.decode())
        return done.stdout.decode()

    def lines(self, *arguments: str, stdin: str = "") -> list[dict[str, Any]]:
        """What it prints with --json."""
        words = 2 if arguments[0] in ("files", "keys", "accounts") else 1
        text = self.text(*arguments[:words], "--json", *arguments[words:], stdin=stdin)
        return [json.loads(line) for line in text.splitlines()]

    def refused(self, *arguments: str, stdin: str = "") -> tuple[int, str]:
        """Exit status and standard error of a command that does not go well, and shows no traceback of its own."""
        done = self.run(*arguments, stdin=stdin)
        assert done.returncode != 0, done.stdout
        assert b"cloud/cli" not in done.stderr, done.stderr.decode()
        return done.returncode, done.stderr.decode()

    def start(self, *arguments: str, **popen: Any) -> "subprocess.Popen[bytes]":
        """A command that goes on; the caller ends it."""
        return subprocess.Popen([*PICLOUD, *arguments], cwd=self.folder, env=self.environment, **popen)

    def on_terminal(self, *arguments: str, columns: int = 80, steps: Sequence[Step] = (), **environment: str) -> str:
        """What a command shows on a terminal. Each step: once it shows the text, something happens, or keys are
        pressed."""
        ours, theirs = pty.openpty()
        shown, seen, left = b"", 0, list(steps)
        try:
            process = self._beside(theirs, arguments, {"COLUMNS": str(columns), **environment})
            os.close(theirs)
            until = time.monotonic() + _SECONDS
            while piece := _read(ours, until):
                shown += piece
                if left and left[0][0] in shown[seen:]:
                    _, action = left.pop(0)
                    seen = len(shown)
                    if isinstance(action, bytes):
                        os.write(ours, action)
                    else:
                        action()
            self.status = process.wait(_SECONDS)
        finally:
            os.close(ours)
        return shown.decode(errors="replace")

    def _beside(self, fd: int, arguments: Sequence[str], more: dict[str, str]) -> "subprocess.Popen[bytes]":
        return subprocess.Popen(
            [*PICLOUD, *arguments], stdin=fd, stdout=fd, stderr=fd, cwd=self.folder,
            env={**self.environment, **more}, start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
        )  # fmt: skip


class Watched:
    """The same server behind a proxy that sees what it is asked."""

    def __init__(self, line: CommandLine, home: Path) -> None:
        own, made = line.lines("status")[0], line.lines("keys", "create")[0]
        self.proxy = LossyProxy(int(own["url"].rpartition(":")[2]), self._see)
        self.waits = False
        """Whether somebody has asked for jobs to end, and so waits for them."""
        self.line = CommandLine(home, line.folder)
        self.line.environment |= {
            "PICLOUD_URL": f"http://127.0.0.1:{self.proxy.port}",
            "PICLOUD_API_KEY": made["api_key"],
            "PICLOUD_API_SECRETKEY": made["api_secretkey"],
        }

    def _see(self, data: bytes) -> bool:
        self.waits = self.waits or b"/v1/wait" in data or b"/v1/outcomes" in data
        return False


def _read(fd: int, until: float) -> bytes:
    ready, _, _ = select.select([fd], [], [], max(0.0, until - time.monotonic()))
    assert ready, "nothing more came"
    try:
        return os.read(fd, 65536)
    except OSError:  # the other end was closed
        return b""
