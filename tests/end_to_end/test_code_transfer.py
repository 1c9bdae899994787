"""Local modules travel with jobs, from wherever a program is started (DESIGN D13): on cloud.mp and on the server."""

import os
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support import processes

KINDS = ["cloud.mp", "cloud"]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A config directory that the programs of this module share, and the server in it, once one of them starts it."""
    home = str(tmp_path_factory.mktemp("home"))
    yield home
    processes.end([pid for pid, words in processes.marked(home).items() if "cloud.server" in words])


class Project:
    """A folder with a program and its modules."""

    def __init__(self, folder: Path, home: str) -> None:
        self.folder = folder
        folder.mkdir()
        self._environment = {**os.environ, "PICLOUD_HOME": home, "PICLOUD_WORKERS": "2"}

    def write(self, name: str, text: str = "") -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text))
        return path

    def run(self, *words: str, stdin: str = "", **environment: str) -> str:
        """What the program prints; it must succeed."""
        done = subprocess.run(
            [sys.executable, *words], cwd=self.folder, input=stdin, capture_output=True, text=True, timeout=300,
            env={**self._environment, **environment}, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return done.stdout

    def script(self, text: str, **environment: str) -> str:
        """Run this text as a script beside the modules."""
        self.write("program.py", text)
        return self.run("program.py", **environment)


@pytest.fixture
def project(tmp_path: Path, server: str) -> Project:
    project = Project(tmp_path / "project", server)
    project.write("tools/__init__.py")
    project.write("tools/table.txt", "from a file")
    project.write("tools/reading.py", """
        import os, shapes
        def read(x):
            with open(os.path.join(os.path.dirname(__file__), "table.txt")) as file:
                return [x, file.read(), shapes.Square(x).area(), "/code-" in __file__]
    """)  # fmt: skip
    project.write("shapes.py", """
        class Square:
            def __init__(self, a): self.a = a
            def area(self): return self.a * self.a
    """)  # fmt: skip
    return project


START = """
import importlib, sys
the = importlib.import_module({kind!r})
from tools.reading import read
def wrapped(x):
    import tools.reading
    return tools.reading.read(x)
print(the.result(the.call(read, 3)) == the.result(the.call(wrapped, 3)) == [3, "from a file", 9, True])
"""


def as_script(project: Project, program: str) -> str:
    return project.script(program)


def as_module(project: Project, program: str) -> str:
    project.write("inside/__init__.py")
    project.write("inside/main.py", program + "\nfrom . import beside\nprint(the.result(the.call(lambda: beside.V)))")
    project.write("inside/beside.py", "V = True")
    out = project.run("-m", "inside.main")
    assert out.endswith("True\n")
    return out


def from_a_prompt(project: Project, program: str) -> str:
    return project.run("-i", "-c", "", stdin=program.replace("\nprint", "\n\nprint") + "\nthe.close()\n")


def in_a_notebook_cell(project: Project, program: str) -> str:
    """What a kernel does: `__main__` has no file, and cells are compiled under names of their own."""
    return project.run(
        "-c",
        f"""
import __main__, linecache
for name in ("__file__", "__spec__"):
    __main__.__dict__.pop(name, None)
exec(compile({program!r}, "<ipython-input-1>", "exec"), __main__.__dict__)
""",
    )


def in_pytest(project: Project, program: str) -> str:
    project.write("conftest.py")
    body = textwrap.indent(program.replace("print(", "assert ("), "    ").replace("{{", "{")
    project.write("tests/test_it.py", f"from helpers_of_tests import same\ndef test_it():\n{body}\n"
                  "    assert the.result(the.call(same, 5)) == 5\n")  # fmt: skip
    project.write("tests/helpers_of_tests.py", "def same(x): return x")
    project.run("-m", "pytest", "-q", "-p", "no:cacheprovider", "tests", PYTHONPATH=str(project.folder))
    return "True\n"


def in_a_spawned_process(project: Project, program: str) -> str:
    """Where the main module has another name."""
    return project.script(
        "if __name__ == '__main__':\n"
        "    import multiprocessing\n"
        "    child = multiprocessing.get_context('spawn').Process(target=print)\n"
        "    child.start()\n    child.join()\n    assert not child.exitcode\n"
        "else:\n" + textwrap.indent(program, "    ")
    )


def installed_for_development(project: Project, program: str) -> str:
    """The sources are elsewhere, named by a .pth file as `pip install -e` leaves it."""
    away = project.folder.with_name("checkout")
    away.mkdir()
    for name in ("tools", "shapes.py"):
        (project.folder / name).rename(away / name)
    site = project.folder.with_name("site-packages")
    site.mkdir()
    (site / "__editable__.tools-1.0.pth").write_text(f"{away}\n")
    return project.script(f"import site\nsite.addsitedir({str(site)!r})\n" + program)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "started",
    [
        as_script,
        as_module,
        from_a_prompt,
        in_a_notebook_cell,
        in_pytest,
        in_a_spawned_process,
        installed_for_development,
    ],
)
def test_local_modules_travel(project: Project, started: Callable[[Project, str], str], kind: str) -> None:
    assert "True\n" in started(project, START.format(kind=kind))


@pytest.mark.parametrize("kind", KINDS)
def test_what_a_spawned_process_defines_comes_back_as_its_own(project: Project, kind: str) -> None:
    program = f"""
import dataclasses, importlib
the = importlib.import_module({kind!r})
@dataclasses.dataclass
class Point:
    x: int
def moved(point):
    return Point(point.x + STEP)
STEP = 2
print(the.result(the.map(moved, [Point(1), Point(2)])) == [Point(3), Point(4)])
"""
    assert "True\n" in in_a_spawned_process(project, program)


@pytest.mark.parametrize("kind", KINDS)
def test_jobs_run_the_code_of_their_submission_although_files_change(project: Project, kind: str) -> None:
    """Two versions of a module are at work at once, each in its own workers."""
    project.write("changing.py", "import time\ndef f(i): time.sleep(0.05); return 'old'")
    said = project.script(f"""
        import importlib, pathlib
        the = importlib.import_module({kind!r})
        import changing
        old = the.map(changing.f, range(6))
        pathlib.Path("changing.py").write_text("def f(i): return 'new one'")
        still_old = the.map(changing.f, range(2))
        importlib.reload(changing)
        new = the.map(changing.f, range(6))
        print([sorted(set(the.result(jids))) for jids in (new, still_old, old)])
    """)
    assert said == "[['new one'], ['old'], ['old']]\n"


@pytest.mark.parametrize("kind", KINDS)
def test_jobs_of_jobs_run_the_same_code_and_send_none(project: Project, kind: str) -> None:
    project.write(
        "family.py",
        f"""
        import importlib
        the = importlib.import_module({kind!r})
        def child(x):
            return (x, __file__)
        def parent(x):
            return the.result(the.call(child, x)), __file__
    """,
    )
    said = project.script("""
        import family
        (value, inner), outer = family.the.result(family.the.call(family.parent, 4))
        print(value, inner == outer)
    """)
    assert said == "4 True\n"


def test_a_missing_module_is_explained(project: Project) -> None:
    """A distribution of the client with its version; a module of the user's that nothing refers to by name."""
    project.write("plugin_by_name.py", "V = 1")
    said = project.script("""
        from cloud import mp
        import shapes, importlib, sys
        def dynamic():
            shapes.Square(1)
            return importlib.import_module("_".join(["plugin", "by_name"])).V
        def distribution():
            import hypothesis
            raise ModuleNotFoundError("No module named 'hypothesis.stateful'", name="hypothesis.stateful")
        for function in (dynamic, distribution):
            job = mp.call(function)
            mp.join(job, ignore_errors=True)
            print(mp.info(job, "exception")[job]["exception"])
    """)
    assert "TIP: if plugin_by_name is a module of your own, name it in cloud.config.extra_modules" in said
    assert "has hypothesis.stateful from hypothesis " in said
    assert "pip install hypothesis==" in said


def test_extra_modules_and_the_switch(project: Project) -> None:
    project.write("plugin_by_name.py", "V = 1")
    text = """
        import cloud, importlib, shapes
        from cloud import mp
        def dynamic():
            return shapes.Square(3).area(), importlib.import_module("_".join(["plugin", "by_name"])).__file__
        print(mp.result(mp.call(dynamic)))
    """
    sent = project.script(text, PICLOUD_EXTRA_MODULES="plugin_by_name")
    assert "code-" in sent
    at_home = project.script(text, PICLOUD_AUTOMATIC_DEPENDENCY_TRANSFER="False")
    assert at_home == f"(9, '{project.folder}/plugin_by_name.py')\n"


def test_programs_that_jobs_start_find_the_same_modules(project: Project) -> None:
    said = project.script("""
        import subprocess, sys
        from cloud import mp
        import shapes
        def outside():
            shapes.Square(1)
            words = [sys.executable, "-c", "import shapes; print(shapes.__file__)"]
            return subprocess.check_output(words, text=True, cwd="/")
        print("/code-" in mp.result(mp.call(outside)))
    """)
    assert said == "True\n"


def test_explain_prints_and_returns_what_would_be_sent(project: Project) -> None:
    said = project.script("""
        import cloud, json
        from tools.reading import read
        import hypothesis
        big = "x" * 5000
        def f(x, y=1):
            hypothesis.__name__
            return read(x), big
        told = cloud.explain(f, [1, 2, 3], y=b"12345")
        print(json.dumps([sorted(told.files), told.members["global big"] > 5000, sorted(told.arguments)]))
        print(told.installed["hypothesis"].startswith("hypothesis 6"), told.problems, told.total_bytes > 5000)
    """)
    assert "__main__.f at " in said
    assert "tools/reading.py" in said
    files = '["shapes.py", "tools/__init__.py", "tools/reading.py", "tools/table.txt"]'
    assert f"""[{files}, true, ["argument 'y'", "argument 1"]]\n""" in said
    assert said.endswith("True [] True\n")


def test_what_cannot_be_sent_is_one_error_before_anything_is_submitted(project: Project) -> None:
    project.write("queue.py", "def f(): pass")
    project.write("heavy/__init__.py", "import queue\ndef f(): pass")
    with (project.folder / "heavy" / "weights.bin").open("wb") as file:
        file.truncate(21 << 20)
    said = project.script("""
        import sys
        sys.modules.pop("queue", None)
        import heavy, cloud.mp
        try:
            cloud.mp.call(heavy.f)
        except cloud.CloudException as error:
            print(type(error).__name__, error)
        print(cloud.mp.result(cloud.mp.call(lambda: 1)))
    """)
    assert said.startswith("CannotTransfer cloud.mp.call: local modules of this job cannot be sent:")
    assert "package heavy has 21.0 MB in 2 files" in said
    assert "(0.0 MB)" not in said
    assert "TIP: move large data out of packages, and pass its path; or name all modules" in said
    assert "shadows the standard library's" in said
    assert said.endswith("1\n")
