"""The client runs where there is no Unix: what only Unix has is imported inside the functions that need it."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

CLOUD = Path(__file__).parents[2] / "src" / "cloud"
ONLY_ON_UNIX = {"fcntl", "grp", "pty", "pwd", "resource", "termios", "tty", "uvloop"}
FILES = [
    path
    for name in ("client", "wire", "pickling", "model", "api.py", "errors.py", "config", "__init__.py")
    for path in ([CLOUD / name] if name.endswith(".py") else sorted((CLOUD / name).rglob("*.py")))
]


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(CLOUD)))
def test_the_client_imports_nothing_that_only_unix_has(path: Path) -> None:
    assert sorted(ONLY_ON_UNIX & set(_imported_on_import(ast.parse(path.read_text()).body))) == []


def _imported_on_import(statements: list[ast.stmt]) -> Iterator[str]:
    """Top-level packages that importing the module imports; what is under `try` or `if` counts as guarded."""
    for statement in statements:
        if isinstance(statement, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in statement.names)
        elif isinstance(statement, ast.ImportFrom):
            yield (statement.module or "").partition(".")[0]
