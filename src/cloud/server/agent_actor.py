"""What runs on another machine of the cluster: an agent and its foreman. No user code runs in this process."""

import fcntl
import hashlib
import logging
import os
import tempfile
from typing import Any

from cloud.agent.agent import Agent
from cloud.agent.binding import VISIBLE, shares
from cloud.dispatch.ports import Blobs
from cloud.engines.fleet.errands import BlobsOfAgent
from cloud.engines.fleet.foreman import Foreman
from cloud.stores.blobs import FolderBlobs
from cloud.wire.message import Header

CACHE = "picloud-blobs"


class AgentActor:
    """An actor with several threads: most of its calls wait."""

    def __init__(self, told: Header) -> None:
        """
        Args:
            told: 'slots', 'type' and what else `AgentType.wanted` says; 'blobs', a URL or the path of a folder that
                all machines see; 'variables' for the jobs; 'machine' as for `Agent`; 'silence_seconds' as for
                `Foreman`.
        """
        blobs = BlobsOfAgent(_blobs(str(told["blobs"])))
        kind = str(told["type"])
        agent = Agent(
            int(told["slots"]), blobs, variables=told.get("variables"), machine=told.get("machine"),
            slot_memory=told.get("slot_memory"), kind=kind,
            devices=shares(_gpus(), int(told["slots"]), float(told.get("slot_gpus", 0))),
        )  # fmt: skip
        silence = told.get("silence_seconds")
        more: dict[str, Any] = {} if silence is None else {"silence_seconds": silence}
        self._foreman = Foreman(agent, blobs, gone=_leave, about={"type": kind, "log": _log()}, **more)

    def hello(self, epoch: str) -> bytes:
        """See `Foreman`."""
        return self._foreman.hello(epoch)

    def tell(self, epoch: str, number: int, message: bytes) -> None:
        """See `Foreman`."""
        self._foreman.tell(epoch, number, message)

    def ask(self, epoch: str, message: bytes, seconds: float) -> bytes:
        """See `Foreman`."""
        return self._foreman.ask(epoch, message, seconds)

    def listen(self, epoch: str, since: int, acknowledged: int, seconds: float) -> bytes:
        """See `Foreman`."""
        return self._foreman.listen(epoch, since, acknowledged, seconds)

    def end(self) -> None:
        """Kill all jobs; the process ends."""
        self._foreman.close()


def _gpus() -> list[str]:
    """Those that Ray gave to this actor."""
    return [name for name in os.environ.get(VISIBLE, "").split(",") if name]


def _log() -> str:
    """Ours goes where Ray keeps its actors' standard error."""
    import ray

    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    return f"ray logs actor --id {ray.get_runtime_context().get_actor_id()} --err"


def _blobs(where: str) -> Blobs:
    if "://" not in where:
        return FolderBlobs(where, shared=True)
    from cloud.stores.blobs.objects import ObjectBlobs

    return ObjectBlobs(where, _cache(where))


def _cache(where: str) -> str:
    """A folder that all agents of this machine use, so that a blob comes here once; what is left in it is good."""
    folder = os.path.join(tempfile.gettempdir(), f"{CACHE}-{os.getuid()}")
    os.makedirs(folder, mode=0o700, exist_ok=True)
    if os.stat(folder).st_uid != os.getuid():
        raise PermissionError(f"{folder} belongs to somebody else")
    fcntl.flock(os.open(folder, os.O_RDONLY), fcntl.LOCK_SH)  # for good: systemd-tmpfiles leaves what is locked
    return os.path.join(folder, hashlib.sha256(where.encode()).hexdigest()[:16])


def _leave() -> None:
    """The workers are dead. Ray is told nothing: to it, and so to the server, this actor has died."""
    os._exit(0)
