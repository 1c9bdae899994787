"""Tests wait for conditions with a deadline; they do not sleep and hope."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]
FILES = sorted(TESTS.rglob("*.py"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(TESTS)))
def test_no_test_sleeps(path: Path) -> None:
    """Jobs may sleep, they are what is tested: functions within functions, lambdas, and lines that say so."""
    text = path.read_text()
    lines = text.splitlines()
    calls = [number for number in _sleeps(ast.parse(text), 0) if "# the job sleeps" not in lines[number - 1]]
    assert calls == []


def _sleeps(node: ast.AST, depth: int) -> Iterator[int]:
    """Lines of calls of something called `sleep`, unless they are in a function within a function, or in a lambda."""
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
        depth += 2 if isinstance(node, ast.Lambda) else 1
    if depth < 2 and isinstance(node, ast.Call):
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        if name == "sleep":
            yield node.lineno
    for child in ast.iter_child_nodes(node):
        yield from _sleeps(child, depth)
