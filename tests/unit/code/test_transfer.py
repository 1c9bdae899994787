"""A code version on its way: only what is missing is sent, once, and again when it was collected."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import pytest

from cloud.client.code import ledger
from cloud.client.code.refusal import CannotTransfer
from cloud.client.session import Session
from cloud.runner.code import materialise, sweep
from tests.support.scripted_api import ScriptedApi

Write = Callable[..., Path]
Load = Callable[[str], ModuleType]


@pytest.fixture(autouse=True)
def _fresh(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ledger, "LEDGER", ledger.Ledger())


class Counting(ScriptedApi):
    """Notes what is sent of local modules."""

    def __init__(self) -> None:
        super().__init__()
        self.sent: list[int] = []
        self.platform = ""

    def put_code(self, contents: object) -> None:
        assert isinstance(contents, dict)
        self.sent.append(len(contents))
        super().put_code(contents)

    def describe(self) -> dict[str, object]:
        return {"platform": self.platform}


@pytest.fixture
def api() -> Counting:
    return Counting()


@pytest.fixture
def session(api: Counting) -> Iterator[Session]:
    session = Session(lambda: api)
    yield session
    session.close()


def test_only_new_contents_are_sent_and_nothing_twice(
    api: Counting, session: Session, write: Write, load: Load
) -> None:
    write("first_mod.py", "def f(): pass")
    write("second_mod.py", "import first_mod\ndef f(): pass")
    for _ in range(3):
        session.call(load("first_mod").f)
    assert api.sent == [1]
    session.call(load("second_mod").f)
    session.map(lambda x: x, range(3))
    assert api.sent == [1, 1]
    versions = [part.spec.environment.code_version for part in api.parts if part.spec is not None]
    assert versions[0] == versions[2] != versions[3] == versions[4]


def test_folders_that_the_files_replace_leave_the_search_path(
    api: Counting, session: Session, write: Write, load: Load, project: Path
) -> None:
    session.call(print)
    write("moved.py", "def f(): pass")
    session.call(load("moved").f)
    paths = [part.spec.environment.path for part in api.parts if part.spec is not None]
    assert set(paths[0]) - set(paths[1]) == {str(project)}


def test_a_version_that_was_collected_is_sent_again(api: Counting, session: Session, write: Write, load: Load) -> None:
    write("collected.py", "def f(): pass")
    session.call(load("collected").f)
    api.versions.clear()
    api.code.clear()
    session.call(load("collected").f)
    assert (api.sent, len(api.jobs)) == ([1, 1], 2)


def test_it_can_be_switched_off(
    api: Counting, session: Session, write: Write, load: Load, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cloud.client.code.transfer.setting", lambda name: False)
    write("at_home.py", "def f(): pass")
    session.call(load("at_home").f)
    assert api.sent == []
    spec = api.parts[0].spec
    assert spec is not None
    assert spec.environment.code_version == ""


def test_compiled_modules_travel_to_the_same_platform_only(
    api: Counting, session: Session, write: Write, load: Load
) -> None:
    import sysconfig

    write("compiled/__init__.py", "def f(): pass")
    write(f"compiled/fast{sysconfig.get_config_var('EXT_SUFFIX')}", "machine code")
    write("compiled/other.cpython-27-sparc.so", "of no use here")
    api.platform = "win-arm64"
    with pytest.raises(CannotTransfer, match=r"win-arm64.*fast") as raised:
        session.call(load("compiled").f)
    assert "sparc" not in str(raised.value)
    assert not api.jobs
    api.platform = sysconfig.get_platform()
    session.call(load("compiled").f)
    assert len(api.jobs) == 1


def test_items_of_a_map_that_come_late_may_not_need_more(
    api: Counting, session: Session, write: Write, load: Load
) -> None:
    write("surprise.py", "class Thing: pass")
    thing = load("surprise").Thing
    many = [bytes([i]) * 100_000 for i in range(40)]
    with pytest.raises(CannotTransfer, match="extra_modules"):
        session.map(len, iter([*many, thing()]))
    assert not api.jobs
    session.map(type, [thing(), *many, thing()])
    assert len(api.jobs) == 42


def test_files_are_made_once_and_removed_when_nobody_uses_them(tmp_path: Path) -> None:
    """The folder of a code version: shared by workers, kept by a lock of each."""
    files = [("pkg/__init__.py", 3, False), ("pkg/run.sh", 2, True)]
    pid = os.fork()
    if pid == 0:
        folder = materialise(str(tmp_path), "v" * 64, files, memoryview(b"abcde"))
        sweep(str(tmp_path))
        os._exit(0 if Path(folder, "pkg/run.sh").read_bytes() == b"de" else 1)
    assert os.waitpid(pid, 0)[1] == 0
    assert len(os.listdir(tmp_path)) == 2
    sweep(str(tmp_path))
    assert os.listdir(tmp_path) == []


def test_a_call_costs_no_look_at_files_beyond_a_few(write: Write, load: Load, monkeypatch: pytest.MonkeyPatch) -> None:
    """Counted in calls of the operating system, because a count does not depend on the machine's mood."""
    write("cheap.py", "def f(): pass")
    session = Session(Counting)
    function = load("cheap").f
    session.call(function)
    monkeypatch.setattr("cloud.client.code.ledger.LOOK_SECONDS", 1e9)
    looks: list[str] = []
    real = os.stat

    def stat(path: str, **more: bool) -> os.stat_result:
        looks.append(str(path))
        return real(path, **more)

    monkeypatch.setattr(os, "stat", stat)
    for _ in range(10):
        session.call(function)
        session.call(lambda x: x, 1)
    monkeypatch.undo()
    session.close()
    assert len([path for path in looks if "cheap" in path]) == 0, "what is loaded need not be looked at"
