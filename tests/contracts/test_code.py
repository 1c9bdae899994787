"""Code versions: the store's side of the contract, and every speaker of `JobApi`."""

import hashlib
import importlib
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from cloud import pickling
from cloud.api import JobApi, NewChunk, Part
from cloud.client.surroundings import surroundings
from cloud.dispatch.jobs import Jobs
from cloud.dispatch.ports import Store
from cloud.errors import InvalidSubmission
from cloud.model import BlobRef, CodeFile, Environment, Spec, Stretch, version_of
from tests.support.job_apis import SPEAKERS, speaker
from tests.support.stores import NOW, finished
from tests.support.world import World

DAY = timedelta(days=1)


def file(path: str, content: bytes, *, executable: bool = False) -> CodeFile:
    return CodeFile(path, hashlib.sha256(content).hexdigest(), len(content), executable)


# the store


def test_a_version_is_kept_with_its_contents(store: Store) -> None:
    files = [file("a.py", b"one"), file("b/c.bin", b"two", executable=True), file("b/same.py", b"one")]
    one, two = files[0].digest, files[1].digest
    with store.transaction():
        assert store.missing_code([one, two]) == [one, two]
        store.put_code({one: b"one", two: BlobRef(f"code/{two}", 3)}, NOW)
        assert store.missing_code([one, two, "x"]) == ["x"]
        assert not store.has_code("v")
        store.add_code("v", files, NOW)
        store.add_code("v", files, NOW)
    assert store.has_code("v")
    code = store.code("v")
    assert code is not None
    assert code.files == ((files[0], b"one"), (files[1], BlobRef(f"code/{two}", 3)), (files[2], b"one"))
    assert store.code("w") is None
    assert store.referenced([f"code/{two}", "code/y"]) == {f"code/{two}"}


def test_only_what_no_submission_refers_to_is_dropped_and_only_when_it_is_old(store: Store) -> None:
    files = {name: file(f"{name}.py", name.encode()) for name in ("used", "unused", "shared")}
    with store.transaction():
        store.put_code({f.digest: BlobRef(f"code/{name}", 5) for name, f in files.items()}, NOW)
        store.add_code("used", [files["used"], files["shared"]], NOW)
        store.add_code("unused", [files["unused"], files["shared"]], NOW)
    submission = finished(store, 2, environment=Environment("t", code_version="used"))
    with store.transaction():
        assert store.drop_unused_code(NOW, 10) == []
        assert store.drop_unused_code(NOW + DAY, 10) == ["code/unused"]
        assert (store.has_code("used"), store.has_code("unused")) == (True, False)
        store.delete(Stretch(submission.sid, 0, 2))
        assert store.has_code("used"), "it may be wanted again soon"
        assert sorted(store.drop_unused_code(NOW + DAY, 10)) == ["code/shared", "code/used"]
    assert store.code("used") is None


# every speaker


@pytest.fixture(scope="module", params=SPEAKERS)
def api(request: pytest.FixtureRequest) -> Iterator[JobApi]:
    """Each speaker, on a real core with worker processes."""
    with speaker(request.param) as api:
        yield api


def test_jobs_run_with_exactly_their_version(api: JobApi) -> None:
    sources = [b"def f(): return 'first'", b"def f(): return 'second'" + b"#" * 100_000]
    parts = []
    for source in sources:
        files = [file("only_in_versions.py", source), file("data/x.txt", b"data")]
        version = version_of(files)
        part = _part(version)
        assert api.submit(part).missing_code
        missing = api.missing_code(version, files)
        api.put_code({f.digest: source if f.path.endswith(".py") else b"data" for f in files if f.digest in missing})
        assert api.missing_code(version, files) == []
        parts.append(part)
    jids = [
        api.submit(part).jids for part in [*parts, *(_part(p.spec.environment.code_version) for p in parts if p.spec)]
    ]
    values = []
    for named in jids:
        assert named is not None
        (ended,) = api.outcomes((named,), timeout_seconds=120, linger_seconds=120)
        values.append(pickling.loads(ended.outcomes.bytes_of("result", 0)))
    assert values == ["first", "second"] * 2
    assert api.info((jids[0],), ["code_version"])[0]["code_version"] == parts[0].spec.environment.code_version  # type: ignore[arg-type, union-attr]


def _part(version: str) -> Part:
    import uuid

    def run() -> object:
        return importlib.import_module("only_in_versions").f()

    digest, packed = pickling.dump_function(run)
    spec = Spec("call", digest, "f", replace(surroundings(), code_version=version))
    return Part(uuid.uuid4().hex, spec, [packed], [NewChunk(0, 1, pickling.pack_call((), {}))], 1)


def test_damaged_and_hostile_code_is_refused(api: JobApi) -> None:
    good = file("a.py", b"content")
    with pytest.raises(InvalidSubmission):
        api.missing_code("not the digest", [good])
    for path in ("../a.py", "/a.py", "a//b.py", "a/../../b.py", "", "a\\b.py", "."):
        files = [file(path, b"content")]
        with pytest.raises(InvalidSubmission, match="cannot be called"):
            api.missing_code(version_of(files), files)
    assert api.missing_code(version_of([good]), [good]) == [good.digest]


def test_code_of_another_account_must_be_sent_as_well_and_is_kept_once(tmp_path: Path) -> None:
    world = World(tmp_path / "jobs.db")
    one, other = Jobs(world.dispatcher, 1), Jobs(world.dispatcher, 2)
    secret = file("secret.py", b"everything")
    version = version_of([secret])
    assert one.missing_code(version, [secret]) == [secret.digest]
    one.put_code({secret.digest: b"everything"})
    assert one.missing_code(version, [secret]) == []
    assert one.submit(_part(version)).jids
    assert other.submit(_part(version)).missing_code, "as for code that is nowhere"
    assert other.missing_code(version, [secret]) == [secret.digest]
    assert other.submit(_part(version)).missing_code
    with pytest.raises(InvalidSubmission):
        other.put_code({secret.digest: b"a guess"})
    other.put_code({secret.digest: b"everything"})
    assert other.missing_code(version, [secret]) == []
    assert other.submit(_part(version)).jids
    world.stop()
