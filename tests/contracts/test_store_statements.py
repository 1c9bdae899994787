"""Statements in files: each database has those that the rules name, and none that nobody runs."""

import re
from pathlib import Path

import pytest

import cloud.stores
from cloud.stores.statements import Statements

FOLDER = Path(cloud.stores.__file__).parent


def named_in(folder: Path) -> set[str]:
    """Statements that the modules of a folder run."""
    return {name for module in folder.glob("*.py") for name in re.findall(r"\b_sql\.(\w+)", module.read_text())}


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
def test_each_database_has_the_statements_that_are_run_and_no_others(kind: str) -> None:
    assert set(vars(Statements(f"cloud.stores.{kind}"))) == named_in(FOLDER) | named_in(FOLDER / kind)


def test_a_statement_that_there_is_not_says_so() -> None:
    with pytest.raises(AttributeError, match="no statement is named forget_everything"):
        _ = Statements("cloud.stores.sqlite").forget_everything


def test_a_name_stands_for_one_statement(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "another_kind"
    (package / "sql").mkdir(parents=True)
    (package / "__init__.py").touch()
    (package / "sql" / "own.sql").write_text("-- :name get_fact\nSELECT 1\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ValueError, match="two statements of another_kind are named get_fact"):
        Statements("another_kind")
