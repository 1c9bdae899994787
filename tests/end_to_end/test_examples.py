"""Every numbered program of examples/ runs, and prints what its `# prints:` comments say, in that order."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import processes

EXAMPLES = sorted((Path(__file__).parents[2] / "examples").glob("[0-9][0-9]_*.py"))


@pytest.fixture(scope="module")
def surroundings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, dict[str, str]]]:
    """A working directory, and an environment in which all examples share one server."""
    folder = tmp_path_factory.mktemp("examples")
    home = folder / "picloud"
    yield folder, os.environ | {"PICLOUD_HOME": str(home), "PICLOUD_WORKERS": "2"}
    processes.end(pid for pid, words in processes.marked(str(home)).items() if "cloud.server" in words)


@pytest.mark.parametrize("program", EXAMPLES, ids=lambda path: path.stem)
def test_example_prints_what_it_says(program: Path, surroundings: tuple[Path, dict[str, str]]) -> None:
    folder, environment = surroundings
    done = subprocess.run(
        [sys.executable, "-W", "error", str(program)],
        cwd=folder, env=environment, capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert done.stdout.splitlines() == re.findall(r"# prints: (.*)", program.read_text())


def test_the_lines_of_the_readme_run(surroundings: tuple[Path, dict[str, str]]) -> None:
    folder, environment = surroundings
    (lines,) = re.findall(r"```python\n(.*?)```", (Path(__file__).parents[2] / "README.md").read_text(), re.DOTALL)
    (folder / "readme.py").write_text(lines)
    done = subprocess.run(
        [sys.executable, "-W", "error", "readme.py"],
        cwd=folder, env=environment, capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    assert [word for word in ("49", "333283335000") if word not in done.stdout.splitlines()] == []


def test_the_lines_of_the_readme_can_be_pasted_into_an_interpreter(surroundings: tuple[Path, dict[str, str]]) -> None:
    folder, environment = surroundings
    (lines,) = re.findall(r"```python\n(.*?)```", (Path(__file__).parents[2] / "README.md").read_text(), re.DOTALL)
    done = subprocess.run(
        [sys.executable, "-q", "-i"],
        input=lines, cwd=folder, env=environment, capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert "Error" not in done.stderr, done.stderr
    assert done.stdout.splitlines()[:3] == ["49", "333283335000", "333283335000"]


def test_examples_are_numbered_without_gaps() -> None:
    """So that they can be read in order."""
    assert [int(path.name[:2]) for path in EXAMPLES] == list(range(1, len(EXAMPLES) + 1))
