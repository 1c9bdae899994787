"""The engines that the contract suites run against."""

import itertools
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from cloud.agent.limits import GRACE_SECONDS
from cloud.dispatch.ports import Served
from cloud.engines.fleet.engine import FleetEngine
from cloud.engines.local import LocalEngine
from cloud.stores.blobs import FolderBlobs, MemoryBlobs
from tests.support.fleet import ThreadLines
from tests.support.ray_cluster import end_agents, ray_lines
from tests.support.required import EVERYTHING
from tests.support.scripted import Dispatcher
from tests.support.waiting import HANG_SECONDS

MACHINE = "this machine"
ENGINES = ["local", "fleet", *(["ray"] if EVERYTHING else [])]
"""'fleet' is what 'ray' is made of, with threads in place of Ray."""
WITH_PIPES = ["local"]
"""Engines whose jobs ask through the pipe of their worker; those of others ask over HTTP."""
_numbers = itertools.count()
_LIMITS = {"cloud.agent.stacks.GIVE_UP_SECONDS": HANG_SECONDS}
"""A process that stands still for a moment is no subject of contracts."""


@contextmanager
def engine(
    name: str, slots: int = 2, on_request: Served | None = None, *, grace_seconds: float = GRACE_SECONDS
) -> Iterator[Dispatcher]:
    """A scripted dispatcher on a new engine; `grace_seconds` as in `agent.limits`."""
    limits = {**_LIMITS, "cloud.agent.limits.GRACE_SECONDS": grace_seconds}
    with pytest.MonkeyPatch.context() as patch:
        for limit, value in limits.items():
            patch.setattr(limit, value)
        with _engine(name, slots, on_request, limits) as dispatcher:
            yield dispatcher


@contextmanager
def _engine(name: str, slots: int, on_request: Served | None, limits: dict[str, float]) -> Iterator[Dispatcher]:
    if name == "local":
        blobs = MemoryBlobs()
        local = LocalEngine(slots, blobs, on_request, machine=MACHINE)
        try:
            yield Dispatcher(local, blobs)
        finally:
            local.abandon()
            blobs.close()
        return
    assert on_request is None, f"{name} has no pipes"
    with tempfile.TemporaryDirectory(prefix="picloud-engine-") as folder, pytest.MonkeyPatch.context() as patch:
        for limit in ("ASK_SECONDS", "PATIENCE_SECONDS"):  # an agent that is slow to answer is no subject of contracts
            patch.setattr(f"cloud.engines.fleet.looks.{limit}", HANG_SECONDS)
        made = _fleet(Path(folder), slots) if name == "fleet" else _ray(Path(folder), slots, limits)
        with made as dispatcher:
            yield dispatcher


@contextmanager
def _fleet(folder: Path, slots: int) -> Iterator[Dispatcher]:
    lines = ThreadLines(folder, MACHINE)
    fleet = FleetEngine(lines, slots=slots, silent_seconds=HANG_SECONDS)
    try:
        yield _joined(Dispatcher(fleet, FolderBlobs(folder)))
    finally:
        fleet.abandon()
        lines.end()


@contextmanager
def _ray(folder: Path, slots: int, limits: dict[str, float]) -> Iterator[Dispatcher]:
    namespace = f"picloud-{next(_numbers)}"
    lines = ray_lines(namespace, folder, MACHINE, limits=limits)
    fleet = FleetEngine(lines, slots=slots, silent_seconds=HANG_SECONDS)
    try:
        yield _joined(Dispatcher(fleet, FolderBlobs(folder)))
    finally:
        fleet.abandon()
        end_agents(namespace)


def _joined(dispatcher: Dispatcher) -> Dispatcher:
    dispatcher.until(lambda: dispatcher.engine.state().slots > 0)
    return dispatcher
