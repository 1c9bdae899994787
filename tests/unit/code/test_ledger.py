"""Which local modules a job needs, and that what is sent is what its program has loaded."""

import importlib
import importlib.util
import os
import sys
import zipfile
from collections.abc import Callable
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType

import pytest

import cloud
from cloud.client.code import tree
from cloud.client.code.ledger import LocalCode
from cloud.client.code.refusal import CannotTransfer
from cloud.client.code.whitelist import WHITELIST
from tests.unit.code.conftest import Needs, places

Write = Callable[..., Path]
Load = Callable[[str], ModuleType]


@pytest.fixture(autouse=True)
def _no_whitelist() -> object:
    yield
    WHITELIST.set(None)


def content(code: LocalCode | None, place: str) -> bytes:
    assert code is not None
    digest = next(file.digest for file in code.files if file.path == place)
    return code.contents[digest].data or b""


def test_a_function_that_imports_nothing_local_needs_nothing(needs: Needs) -> None:
    import json

    assert needs(lambda x: json.dumps(x), 1) is None
    assert needs(os.path.join, "a") is None


def test_a_module_comes_with_all_that_it_imports(needs: Needs, write: Write, load: Load) -> None:
    write("direct.py", "import second\nimport json\ndef f(): pass")
    write("second.py", "def f():\n  from third import x")
    write("third.py", "x = 1")
    write("unrelated.py")
    assert places(needs(load("direct").f)) == ["direct.py", "second.py", "third.py"]


def test_a_package_comes_whole_with_its_data_and_without_its_caches(needs: Needs, write: Write, load: Load) -> None:
    write("whole/__init__.py")
    write("whole/deep/__init__.py")
    write("whole/deep/module.py", "def f(): pass")
    write("whole/data/table.csv", "1,2")
    write("whole/other.py", "import elsewhere")
    write("elsewhere.py")
    write("whole/.hidden/secret")
    write("whole/__pycache__/x.pyc")
    write("whole/venv/pyvenv.cfg")
    assert places(needs(load("whole.deep.module").f)) == [
        "whole/__init__.py", "whole/data/table.csv", "whole/deep/__init__.py", "whole/deep/module.py", "whole/other.py",
    ]  # fmt: skip


def test_a_package_without_init_and_an_archive_travel(needs: Needs, write: Write, load: Load, project: Path) -> None:
    write("bare/inner.py", "def f(): pass")
    with zipfile.ZipFile(project / "lib.zip", "w") as archive:
        archive.writestr("zipped/__init__.py", "import bare.inner\ndef f(): pass")
        archive.writestr("zipped/data.txt", "data")
        archive.writestr("other/__init__.py", "")
    sys.path.insert(0, str(project / "lib.zip"))
    code = needs(load("zipped").f)
    assert places(code) == ["bare/inner.py", "zipped/__init__.py", "zipped/data.txt"]
    assert code is not None
    assert code.roots == {str(project), str(project / "lib.zip")}


def test_a_module_that_is_only_imported_in_the_job_is_found(needs: Needs, write: Write) -> None:
    write("late_one.py")

    def function() -> None:
        import late_one  # type: ignore[import-not-found]

        print(late_one)

    function.__module__ = "__main__"
    assert "late_one.py" in places(needs(function))


def test_a_module_that_is_written_later_is_found_then(
    needs: Needs, write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cloud.client.code.ledger.LOOK_SECONDS", 0.0)

    def function() -> None:
        import much_later  # type: ignore[import-not-found]

        print(much_later)

    function.__module__ = "__main__"
    assert "much_later.py" not in places(needs(function))
    write("much_later.py")
    assert "much_later.py" in places(needs(function))


def test_classes_of_arguments_bring_their_modules(needs: Needs, write: Write, load: Load) -> None:
    write("shapes.py", "class Square: pass")
    square = load("shapes").Square()
    assert needs(print, 1) is None
    assert places(needs(print, [square])) == ["shapes.py"]


def test_what_is_sent_is_what_was_loaded_until_it_is_reloaded(needs: Needs, write: Write, load: Load) -> None:
    """A changed file changes neither this program nor its jobs; a reload changes both."""
    write("changing.py", "def f(): return 'old'")
    module = load("changing")
    first = needs(module.f)
    write("changing.py", "def f(): return 'quite new'")
    assert needs(module.f) == first
    importlib.reload(module)
    second = needs(module.f)
    assert b"old" in content(first, "changing.py")
    assert b"quite new" in content(second, "changing.py")
    assert second != first


def test_files_that_are_not_loaded_are_sent_as_they_are_now(needs: Needs, write: Write, load: Load) -> None:
    write("box/__init__.py", "def f(): pass")
    write("box/data.txt", "one")
    function = load("box").f
    assert content(needs(function), "box/data.txt") == b"one"
    write("box/data.txt", "two")
    assert content(needs(function), "box/data.txt") == b"two"
    write("box/more.txt", "three")
    assert places(needs(function)) == ["box/__init__.py", "box/data.txt", "box/more.txt"]
    (write("box/more.txt")).unlink()
    assert places(needs(function)) == ["box/__init__.py", "box/data.txt"]


def test_the_same_files_are_the_same_version_and_jobs_share_it(needs: Needs, write: Write, load: Load) -> None:
    write("one.py", "def f(): pass")
    write("two.py", "def f(): pass")
    first = needs(load("one").f)
    both = needs(load("two").f)
    assert places(both) == ["one.py", "two.py"]
    assert needs(load("one").f) is both
    assert needs(lambda: 1) is both
    assert first != both


def test_a_module_loaded_under_another_name_keeps_that_name(needs: Needs, write: Write) -> None:
    path = write("strange name.py", "def f(): pass")
    spec = importlib.util.spec_from_file_location("plugged_in", path)
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules["plugged_in"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert places(needs(module.f)) == ["plugged_in.py"]


def test_extra_modules_are_sent_always(needs: Needs, write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    write("by_name_only.py")
    monkeypatch.setattr("cloud.client.code.ledger.setting", lambda name: ["by_name_only"])
    assert places(needs(lambda: 1)) == ["by_name_only.py"]


def test_the_whitelist_lets_nothing_else_through(needs: Needs, write: Write, load: Load) -> None:
    write("pack/__init__.py")
    write("pack/good/__init__.py", "def f(): pass")
    write("pack/good/data.txt")
    write("pack/bad.py")
    write("secret.py", "import pack.good\ndef f(): pass")
    functions = [load("secret").f, load("pack.good").f]
    cloud.set_dependency_whitelist(["pack.good.*"])
    for function in functions:
        assert places(needs(function)) == ["pack/__init__.py", "pack/good/__init__.py", "pack/good/data.txt"]
    cloud.set_dependency_whitelist([])
    assert needs(functions[0]) is None
    cloud.set_dependency_whitelist(None)
    assert "secret.py" in places(needs(functions[0]))
    with pytest.raises(TypeError):
        cloud.set_dependency_whitelist("pack")


def test_what_may_not_be_sent_stays_where_it_is_found(needs: Needs, write: Write, load: Load) -> None:
    write("open_one.py", "import private_one\ndef f(): pass")
    write("private_one.py")
    cloud.set_dependency_whitelist(["open_one"])
    code = needs(load("open_one").f)
    assert places(code) == ["open_one.py"]
    assert code is not None
    assert code.roots == set()


def test_too_large_a_package_is_refused_with_what_is_large(
    needs: Needs, write: Write, load: Load, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tree, "TOP_MAX_BYTES", 1 << 20)
    write("heavy/__init__.py", "def f(): pass")
    write("heavy/weights.bin", "x" * (3 << 20))
    with pytest.raises(CannotTransfer, match=r"package heavy has 3\.0 MB .* heavy/weights\.bin"):
        needs(load("heavy").f)
    assert needs(lambda: 1) is None, "it is in nobody else's way"
    cloud.set_dependency_whitelist(["other"])
    assert needs(load("heavy").f) is None


def test_a_module_that_shadows_the_standard_library_is_refused(
    needs: Needs, write: Write, load: Load, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(sys.modules, "queue", raising=False)
    write("queue.py", "def f(): pass")
    write("user_of_queue.py", "import queue\ndef f(): pass")
    with pytest.raises(CannotTransfer, match=r"queue .* shadows the standard library's"):
        needs(load("user_of_queue").f)


def test_all_problems_are_in_one_error(needs: Needs, write: Write, load: Load, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tree, "TOP_MAX_BYTES", 10)
    write("large_one.py", "import large_two\ndef f(): pass")
    write("large_two.py", "x = 1  # more than ten bytes")
    with pytest.raises(CannotTransfer) as raised:
        needs(load("large_one").f)
    assert "large_one" in str(raised.value)
    assert "large_two" in str(raised.value)


def test_a_package_installed_for_development_is_local(needs: Needs, project: Path, tmp_path: Path) -> None:
    """As `pip install -e` leaves it: a finder in site-packages that knows where the sources are."""
    source = tmp_path / "checkout" / "src" / "developed"
    source.mkdir(parents=True)
    (source / "__init__.py").write_text("def f(): pass")
    finder = Finder("developed", source / "__init__.py")
    sys.meta_path.append(finder)
    try:
        code = needs(importlib.import_module("developed").f)
    finally:
        sys.meta_path.remove(finder)
        sys.modules.pop("developed", None)
    assert places(code) == ["developed/__init__.py"]


class Finder:
    """What setuptools installs for a package under development."""

    def __init__(self, name: str, path: Path) -> None:
        self.name, self.path = name, path

    def find_spec(self, name: str, path: object, target: object = None, /) -> ModuleSpec | None:
        return importlib.util.spec_from_file_location(name, self.path) if name == self.name else None


def test_installed_packages_are_not_local(needs: Needs, write: Write, load: Load) -> None:
    write("target/lib-1.0.dist-info/RECORD")
    write("target/lib.py", "def f(): pass")
    sys.path.insert(0, str(write("target/x").parent))
    assert needs(load("lib").f) is None
    assert needs(pytest.raises) is None


def test_what_links_lead_to_is_sent_under_each_of_its_names(needs: Needs, write: Write, load: Load) -> None:
    path = write("linked/__init__.py", "def f(): pass")
    write("linked/data/table.csv", "1,2")
    (path.parent / "same").symlink_to("data")
    (path.parent / "data" / "loop").symlink_to("..")
    assert places(needs(load("linked").f)) == ["linked/__init__.py", "linked/data/table.csv", "linked/same/table.csv"]


def test_a_file_whose_name_is_no_text_stays_behind(needs: Needs, write: Write, load: Load) -> None:
    path = write("latin/__init__.py", "def f(): pass")
    with open(os.path.join(os.fsencode(path.parent), b"caf\xe9.txt"), "w"):
        pass
    assert places(needs(load("latin").f)) == ["latin/__init__.py"]
