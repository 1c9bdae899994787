"""The Server page: what runs here, on what, since when, and how full it is."""

import os
import shutil
import socket
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from cloud.dispatch.jobs import INTERPRETERS
from cloud.local import Core
from cloud.server.dashboard.desk import Desk
from cloud.server.dashboard.doorway import Doorway
from cloud.server.dashboard.rendering import size
from cloud.server.dashboard.visits import Visit
from cloud.server.seldom import Seldom
from cloud.wire.message import PROTOCOL

MOST_WORKERS = 100
_SCARCE_BYTES = 1 << 30
_SCARCE_SHARE = 0.05


@dataclass(frozen=True, slots=True)
class Disk:
    """What is stored, and how much more there is room for."""

    jobs_bytes: int
    """The database."""
    blobs_bytes: int
    """Large arguments and results."""
    files_bytes: int
    """Files of `cloud.files`, where they are large."""
    blobs_in: str
    """Where large arguments and results are; '' in memory."""
    folder: str
    """On the disk that the following is about; '' where nothing is on a disk."""
    free_bytes: int = 0
    whole_bytes: int = 0
    warn_bytes: int = 0
    machine: str = ""
    """Which has that disk."""
    copies: bool = False
    """Whether the folder has copies only, of what is elsewhere."""

    @property
    def used_bytes(self) -> int:
        """All of it."""
        return self.jobs_bytes + self.blobs_bytes + self.files_bytes

    @property
    def warnings(self) -> list[str]:
        """What should be seen to."""
        found = []
        if self.used_bytes - self.files_bytes > self.warn_bytes:
            found.append(
                f"Jobs and results take more than {size(self.warn_bytes)}. Delete old ones on the Jobs page, or with "
                "cloud.delete."
            )
        if self.folder and self.free_bytes < max(_SCARCE_BYTES, _SCARCE_SHARE * self.whole_bytes):
            what = f"The disk of {self.folder} on {self.machine}{', which has copies of large values,' * self.copies}"
            found.append(f"{what} is nearly full. When it is, jobs are refused and results wait in memory.")
        return found


class ServerPage:
    """Of one server, the same for all accounts but for what their workers run."""

    def __init__(self, desk: Desk, doorway: Doorway, wall: Callable[[], float] = time.time) -> None:
        self._desk = desk
        self._doorway = doorway
        self._wall = wall
        self._began = wall()
        self._workers = Seldom(lambda: desk.core.engine.workers(MOST_WORKERS))

    def routes(self) -> list[Route]:
        """The page."""
        return [Route("/server", self._doorway.visited(self._server), methods=["GET"])]

    async def _server(self, request: Request, visit: Visit) -> Response:
        core = self._desk.core
        workers = self._workers.read()  # before the state: agents that are asked say more of themselves
        state = core.engine.state()
        added = {tag.removeprefix(INTERPRETERS): path for tag, path in core.store.facts(INTERPRETERS).items()}
        return self._desk.page(
            request, "server.html", visit, here="server", state=state, workers=workers,
            disk=disk_of(core), began=self._began, now=self._wall(), protocol=PROTOCOL, added=added, pid=os.getpid(),
            python=sys.version.split()[0], store=_kind(core.store, "Store"), engine=_kind(core.engine, "Engine"),
            servers=len(core.store.dispatchers()) if core.store.signals is not None else 0,
            host=socket.gethostname(), machines={agent.name: agent.host for agent in state.agents},
        )  # fmt: skip


def disk_of(core: Core) -> Disk:
    """Read from counters, but for the free space."""
    files, blobs, warn = core.store.file_bytes(), core.blobs, core.retention.warn_bytes
    sizes = core.store.size_bytes(), max(0, core.retention.blob_bytes - files), files
    folder = blobs.spool() or ""
    if folder and not blobs.far and os.path.basename(folder) == "blobs":
        folder = os.path.dirname(folder)  # what else is stored lies beside them
    space = shutil.disk_usage(folder) if folder else None
    return Disk(
        *sizes, blobs.place, folder, space.free if space else 0, space.total if space else 0, warn,
        socket.gethostname(), copies=blobs.far,
    )  # fmt: skip


def _kind(adapter: object, port: str) -> str:
    return type(adapter).__name__.removesuffix(port)
