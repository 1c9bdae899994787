"""The engines that the contract suites run against."""

from collections.abc import Iterator
from contextlib import contextmanager

from cloud.dispatch.ports import Served
from cloud.engines.local import LocalEngine
from cloud.stores.blobs import MemoryBlobs
from tests.support.scripted import Dispatcher

MACHINE = "this machine"
ENGINES = ["local"]


@contextmanager
def engine(name: str, slots: int = 2, on_request: Served | None = None) -> Iterator[Dispatcher]:
    """A scripted dispatcher on a new engine."""
    assert name == "local"
    blobs = MemoryBlobs()
    local = LocalEngine(slots, blobs, on_request, machine=MACHINE)
    try:
        yield Dispatcher(local, blobs)
    finally:
        local.abandon()
        blobs.close()
