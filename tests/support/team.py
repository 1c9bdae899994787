"""Servers of a team as processes, as `picloud serve` starts them, on a database that they share."""

import base64
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

from tests.support.served import START_SECONDS, Served
from tests.support.waiting import eventually

RAY_SECONDS = 240.0
"""A Ray takes its time to start."""


class TeamServer(Served):
    """One of them.

    Args:
        store: URL of the database.
        folder: in it the blobs, which all share, and what is this server's alone.
        key: the header that opens the store; None for its first server, which prints the key.
        blobs: where they are, if not in the folder.
        engine: 'ray' starts a Ray of its own.
    """

    def __init__(
        self, store: str, folder: Path, key: dict[str, str] | None = None, *, workers: int = 1, blobs: str = "",
        engine: str = "local",
    ) -> None:  # fmt: skip
        self.variables: dict[str, str] = {}
        """Of a client's environment, if this is the store's first server."""
        self.home = str(folder / f"server-{sum(1 for _ in folder.iterdir())}")
        os.mkdir(self.home)
        self.log = os.path.join(self.home, "log")
        command = [
            sys.executable, "-m", "cloud.cli", "serve", "--store", store, "--blobs", blobs or str(folder / "blobs"),
            "--port", "0", "--workers", str(workers), "--engine", engine,
            *(["--cluster", "new"] if engine == "ray" else []),
        ]  # fmt: skip
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(
                command, stdout=subprocess.PIPE, stderr=log, env={**os.environ, "PICLOUD_HOME": self.home}
            )
        try:
            self.url = eventually(self._listens, within_seconds=START_SECONDS if engine == "local" else RAY_SECONDS)
        except BaseException:
            self.end(signal.SIGKILL)
            raise
        self.pid = self.process.pid
        if key is None:
            assert self.process.stdout is not None
            self.process.stdout.readline()
            words = dict(word.split("=", 1) for word in self.process.stdout.readline().decode().split())
            proof = base64.b64encode(f"{words['PICLOUD_API_KEY']}:{words['PICLOUD_API_SECRETKEY']}".encode()).decode()
            key = {"Authorization": f"Basic {proof}"}
            self.variables = words
        self._key = key

    @property
    def authorization(self) -> dict[str, str]:
        """The header that opens it."""
        return self._key

    def end(self, how: int = signal.SIGTERM) -> int:
        """End it and wait for it; its exit code."""
        try:
            return super().end(how)
        finally:
            if self.process.stdout is not None:
                self.process.stdout.close()

    def _listens(self) -> str:
        text = Path(self.log).read_text()
        assert self.process.poll() is None, text
        found = re.search(r"listens on (http://\S+)", text)
        return found.group(1) if found else ""
