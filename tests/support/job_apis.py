"""Everything that speaks JobApi on a real core, for the contract suite; and programs that use it, for scenarios."""

import os
import tempfile
import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path

import pytest

from cloud.api import JobApi
from cloud.client import connect
from cloud.client.remote import RemoteApi
from cloud.client.session import Session
from cloud.local import FIRST_ACCOUNT, Pool
from cloud.model import Buffer
from tests.support import processes
from tests.support.objects import KEYS, object_store
from tests.support.postgres import running
from tests.support.required import EVERYTHING
from tests.support.stores import STORE
from tests.support.team import TeamServer
from tests.support.waiting import eventually

OBJECTS = "over http, with an object store"
RAY = "over http, on ray"
OVER_HTTP = ["over http", *([OBJECTS, RAY] if EVERYTHING else [])]
SPEAKERS = ["in process", "through the door", *OVER_HTTP]
READY_SECONDS = 120.0


class DoorApi(RemoteApi):
    """As from inside a worker: messages to the door of a pool, without the pipe."""

    def __init__(self, pool: Pool) -> None:
        super().__init__()
        self._pool = pool

    def exchange(self, op: str, parts: Sequence[Buffer], held_seconds: float = 0.0) -> bytearray:
        """Ask and wait for the reply."""
        answered = threading.Event()
        answer = bytearray()

        def reply(said: Sequence[Buffer]) -> None:
            for part in said:
                answer.extend(part)
            answered.set()

        core = self._pool.core
        with core.dispatcher.lock:
            core.door.ask(b"".join(bytes(part) for part in parts), FIRST_ACCOUNT, None, reply)
            if core.door.wants_flush:
                core.door.flush()
        self._pool._thread._wake()  # in a pool, requests come on that thread, which then knows of their deadlines
        assert answered.wait(held_seconds + 60), f"no answer to {op}"
        return answer


@contextmanager
def _objects(folder: Path, patch: pytest.MonkeyPatch) -> Iterator[str]:
    for name, value in KEYS.items():
        patch.setenv(name, value)
    with object_store(folder / "objects" / "buckets") as url_of:
        yield url_of("jobs")


def _is_ready(server: TeamServer) -> bool:
    return server.request("GET", "/readyz")[0] == 200


@contextmanager
def session(name: str) -> Iterator[Session]:
    """A program's, over HTTP (one of `OVER_HTTP`), with a server of its own that has two slots."""
    with pytest.MonkeyPatch.context() as patch, tempfile.TemporaryDirectory() as folder:
        patch.setenv("PICLOUD_WORKERS", "2")
        if name == "over http" and STORE == "sqlite":
            patch.setenv("PICLOUD_HOME", folder)
            cloud = connect.network_session()
            yield cloud
            cloud.close()
            processes.end([pid for pid, words in processes.marked(folder).items() if "cloud.server" in words])
            return
        with ExitStack() as more:
            blobs = more.enter_context(_objects(Path(folder), patch)) if name == OBJECTS else ""
            state = running().url() if STORE == "postgres" else os.path.join(folder, "state")
            engine = "ray" if name == RAY else "local"
            server = TeamServer(state, Path(folder), workers=2, blobs=blobs, engine=engine)
            more.callback(server.end)
            eventually(partial(_is_ready, server), within_seconds=READY_SECONDS)
            for variable, value in server.variables.items():
                patch.setenv(variable, value)
            cloud = connect.network_session()
            yield cloud
            cloud.close()


@contextmanager
def speaker(name: str) -> Iterator[JobApi]:
    """One of `SPEAKERS`, with two slots, on a core of its own."""
    if name in OVER_HTTP:
        with session(name) as cloud:
            yield cloud.api
        return
    pool = Pool(2)
    yield pool if name == "in process" else DoorApi(pool)
    pool.close()
