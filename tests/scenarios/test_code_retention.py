"""Code versions stay while a submission refers to them, and an hour; large files are blobs (DESIGN D13, D20)."""

import hashlib

from cloud.dispatch.retention import Limits, Retention
from cloud.model import CodeFile, Environment, version_of
from tests.support.world import World

LARGE = b"x" * 100_000
HOUR = 3600.0


def put(world: World, content: bytes) -> str:
    """A version of one file."""
    files = [CodeFile("a.py", hashlib.sha256(content).hexdigest(), len(content))]
    version = version_of(files)
    assert world.jobs.missing_code(version, files) == [files[0].digest]
    world.jobs.put_code({files[0].digest: content})
    assert world.jobs.missing_code(version, files) == []
    return version


def test_a_version_goes_with_the_last_submission_and_not_before() -> None:
    world = World()
    retention = Retention(world.dispatcher, Limits())
    version, other = put(world, LARGE), put(world, LARGE + b"y")
    jids = world.map(1, environment=Environment("cpython-311", code_version=version))
    blobs = {f"code/{hashlib.sha256(content).hexdigest()}" for content in (LARGE, LARGE + b"y")}
    assert blobs <= set(world.blobs.names())
    world.clock.advance(10 * HOUR)
    retention.work()
    assert (world.store.has_code(version), world.store.has_code(other)) == (True, False)
    assert len(blobs & set(world.blobs.names())) == 1
    world.engine.finish_all()
    world.dispatcher.tick()
    world.jobs.delete((jids,))
    world.clock.advance(10 * HOUR)
    retention.work()
    assert not world.store.has_code(version)
    assert not blobs & set(world.blobs.names())


def test_work_comes_with_the_code_it_needs() -> None:
    world = World()
    version = put(world, b"small")
    world.map(1, environment=Environment("cpython-311", code_version=version))
    (work,) = world.engine.running.values()
    assert work.code is not None
    assert (work.code.version, work.code.files[0][1]) == (version, b"small")
