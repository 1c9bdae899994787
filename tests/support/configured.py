"""A server as `picloud serve --config` starts it, in a process."""

import base64
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.support.served import START_SECONDS, Served
from tests.support.waiting import eventually


class ConfiguredServer(Served):
    """Started here and ended by `end`.

    Args:
        folder: for its files; a second one in the same folder continues the first.
        text: of the TOML file. It has no store, if the text names none, and listens on any port.
        within_seconds: a cluster takes longer to join.
    """

    def __init__(
        self, folder: Path, text: str, environment: Mapping[str, str] | None = None,
        within_seconds: float = START_SECONDS,
    ) -> None:  # fmt: skip
        self.home = str(folder)
        file = folder / "server.toml"
        file.write_text(text)
        self._log = folder / "log"
        self._said = folder / "said"
        with self._log.open("wb") as log, self._said.open("ab") as said:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "cloud.cli", "serve", "--config", str(file)],
                stdout=said, stderr=log, env={**os.environ, "PICLOUD_HOME": self.home, **(environment or {})},
            )  # fmt: skip
        try:
            self.url = eventually(self._listens, within_seconds=within_seconds)
        except BaseException:
            self.end(signal.SIGKILL)
            raise
        self.pid = self.process.pid

    @property
    def variables(self) -> dict[str, str]:
        """Of the environment of a client; the first server of a store told them."""
        words = (word.partition("=") for word in self._said.read_text().split())
        return {name: value for name, _, value in words if name.startswith("PICLOUD_")}

    @property
    def authorization(self) -> dict[str, str]:
        """The header that opens it."""
        told = self.variables
        proof = base64.b64encode(f"{told['PICLOUD_API_KEY']}:{told['PICLOUD_API_SECRETKEY']}".encode()).decode()
        return {"Authorization": f"Basic {proof}"}

    def log(self) -> str:
        """All of it."""
        return self._log.read_text()

    def lines(self) -> list[dict[str, Any]]:
        """Of a log in JSON, as far as they are written."""
        whole = self.log().rpartition("\n")[0]
        return [json.loads(line) for line in whole.splitlines() if line.startswith("{")]

    def _listens(self) -> str:
        text = self.log()
        assert self.process.poll() is None, text
        found = re.search(r"listens on (https?://[^\s\"]+)", text)
        return found[1] if found else ""
