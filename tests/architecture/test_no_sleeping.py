"""Tests wait for conditions with a deadline; they do not sleep and hope."""

import ast
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]
FILES = [path for path in sorted(TESTS.rglob("*.py")) if "end_to_end" not in path.parts]


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(TESTS)))
def test_no_test_sleeps(path: Path) -> None:
    """Jobs may sleep (they are what is tested), so a call inside a function given to cloud is written `time.sleep` and
    passed by name, or marked with the comment `# the job sleeps`."""
    text = path.read_text()
    lines = text.splitlines()
    calls = [
        node.lineno
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Call)
        and (
            (isinstance(node.func, ast.Attribute) and node.func.attr == "sleep")
            or (isinstance(node.func, ast.Name) and node.func.id == "sleep")
        )
        and "# the job sleeps" not in lines[node.lineno - 1]
    ]
    assert calls == []
