"""Places where jobs stop until the test lets them go on, and papers on which they leave a line each."""

import os
import time
from dataclasses import dataclass
from pathlib import Path

from tests.support.waiting import eventually


@dataclass(frozen=True)
class Gate:
    """Travels to jobs as it is: it is a folder."""

    folder: str

    def stop(self, name: object = "") -> None:
        """In the job: say that it is here, and stay until the gate is open."""
        Path(self.folder, f"came {name}").touch()
        while not os.path.exists(os.path.join(self.folder, "open")):
            time.sleep(0.005)  # the job sleeps

    def wait_for(self, name: object = "") -> None:
        """In the test: wait until that job is here."""
        eventually(Path(self.folder, f"came {name}").exists, what=f"job {name} at the gate")

    def open(self) -> None:
        """Let all go on."""
        Path(self.folder, "open").touch()


@dataclass(frozen=True)
class Paper:
    """A file to which jobs append."""

    path: str

    def write(self, line: object) -> None:
        """One line, whole."""
        with open(self.path, "a") as file:
            file.write(f"{line}\n")

    @property
    def lines(self) -> list[str]:
        """What has been written."""
        return Path(self.path).read_text().splitlines() if os.path.exists(self.path) else []
