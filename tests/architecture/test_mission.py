"""docs/reference/mission.md lists every statement of the mission, with tests that exist and name it."""

import ast
import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/reference/mission.md").read_text()
STATEMENTS = dict(re.findall(r"^- \*\*(S\d+[a-z]?)\*\* (.*?)(?=^- \*\*|^#|\Z)", PAGE, re.MULTILINE | re.DOTALL))
TEST = re.compile(r"`(tests/[\w/]+\.py)::(\w+(?:::\w+)?)`")
LETTERED = ["S5a", "S12a", "S17a", "S17b", "S27a", "S30a", "S36a", "S42a", "S62a"]
"""What the mission leaves open, and PiCloud's last client answers."""


def test_every_number_is_listed_once_and_in_order() -> None:
    numbers = re.findall(r"^- \*\*(S\d+[a-z]?)\*\*", PAGE, re.MULTILINE)
    assert numbers == sorted({f"S{n}" for n in range(1, 74)} | set(LETTERED), key=_order)


def test_every_number_has_a_test() -> None:
    assert [number for number, said in STATEMENTS.items() if not TEST.search(said)] == []


def test_every_test_exists_and_names_its_number() -> None:
    """In its name or in its docstring."""
    wrong = []
    for number, said in STATEMENTS.items():
        for file, name in TEST.findall(said):
            words = _words_of(file, name)
            if words is None or number.lower() not in re.findall(r"s\d+[a-z]?", words.lower()):
                wrong.append(f"{number}: {file}::{name}" + ("" if words is not None else " does not exist"))
    assert wrong == []


def test_every_test_of_the_mission_is_listed() -> None:
    listed = set(TEST.findall(PAGE))
    written = {
        (str(path.relative_to(ROOT)), node.name)
        for path in (ROOT / "tests/mission").glob("test_*.py")
        for node in ast.parse(path.read_text()).body
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
    }
    assert written - listed == set()


def _order(number: str) -> tuple[int, str]:
    digits = re.sub(r"\D", "", number)
    return int(digits), number


def _words_of(file: str, name: str) -> str | None:
    """Name and docstring of a test; None: there is none of this name."""
    if not (ROOT / file).exists():
        return None
    body: list[ast.stmt] = ast.parse((ROOT / file).read_text()).body
    found: ast.FunctionDef | ast.ClassDef | None = None
    for part in name.split("::"):
        found = next((n for n in body if isinstance(n, ast.FunctionDef | ast.ClassDef) and n.name == part), None)
        if found is None:
            return None
        body = found.body
    return f"{name} {ast.get_docstring(found) or ''}" if found is not None else None
