"""Modules stay small enough to read in one sitting, functions small enough to see at once, names say what is inside."""

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
SOURCES = sorted((ROOT / "src" / "cloud").rglob("*.py"))
ALL_PYTHON = SOURCES + [p for d in ("tests", "benchmarks", "examples") for p in sorted((ROOT / d).rglob("*.py"))]

NAMES_THAT_SAY_NOTHING = {
    "base", "common", "core", "handler", "handlers", "helper", "helpers", "manager", "misc", "util", "utils",
}  # fmt: skip
NAMES_THAT_MEAN_SOMETHING_ELSE_ELSEWHERE = {
    "task",
    "tasks",
    "executor",
    "scheduler",
    "backend",
    "node",
    "context",
    "payload",
}


def test_no_module_outgrows_four_hundred_lines() -> None:
    """Aim for 150; where a file has two subjects it becomes two files."""
    lengths = {_name(path): len(path.read_text().splitlines()) for path in ALL_PYTHON}
    assert {name: n for name, n in lengths.items() if n > 400} == {}


def test_no_function_outgrows_forty_lines() -> None:
    """The docstring is not counted: contracts may be as long as they need to be."""
    long = {
        f"{_name(path)}:{function.lineno} {function.name}": length
        for path in SOURCES
        for function in _functions(path)
        if (length := _length(function)) > 40
    }
    assert long == {}


def test_file_names_say_what_is_inside() -> None:
    """One noun per file; words that attract everything, or mean another thing in neighbouring products, are not it."""
    words = NAMES_THAT_SAY_NOTHING | NAMES_THAT_MEAN_SOMETHING_ELSE_ELSEWHERE
    assert [_name(path) for path in SOURCES if words & set(path.stem.split("_"))] == []
    assert [_name(path) for path in SOURCES if words & set(path.parent.name.split("_"))] == []


def test_every_module_says_what_it_is_for() -> None:
    """The docstring of a module is the first thing a reader sees."""
    assert [_name(path) for path in ALL_PYTHON if path.read_text().strip() and not _docstring(path)] == []


def _name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def _docstring(path: Path) -> str | None:
    return ast.get_docstring(ast.parse(path.read_text()))


def _functions(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def _length(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Lines from `def` to the end, without the docstring."""
    total = (function.end_lineno or function.lineno) - function.lineno + 1
    first = function.body[0]
    if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and isinstance(first.value.value, str):
        total -= (first.end_lineno or first.lineno) - first.lineno + 1
    return total
