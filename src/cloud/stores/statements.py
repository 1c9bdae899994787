"""SQL in files: statements by name, and numbered scripts that make a schema."""

from collections.abc import Callable, Iterator
from importlib.resources import files

_INSIDE = "\0"
"""For a semicolon that ends no statement."""


class Statements:
    """The statements of a kind of database, each an attribute: what all kinds understand is in the folder `sql` beside
    this file, the rest in the folder `sql` of the kind's own package. `-- :name what_it_does` stands above each.

    Values are marked `?`, in order, or `?1`, `?2`, ..., and are never part of the text.

    Args:
        package: of the kind of database.
        marked: turns these marks into those of its driver.
    """

    def __init__(self, package: str, marked: Callable[[str], str] = str) -> None:
        for folder in (__package__, package):
            for file in files(folder).joinpath("sql").iterdir():
                for name, statement in _named(file.read_text(encoding="utf-8")):
                    if name in vars(self):
                        raise ValueError(f"two statements of {package} are named {name}")
                    setattr(self, name, marked(statement))

    def __getattr__(self, name: str) -> str:
        raise AttributeError(f"no statement is named {name}")


def scripts(package: str) -> dict[int, list[str]]:
    """The statements of the scripts in the folder `schema` of a package, by number."""
    return {
        int(entry.name.partition("_")[0]): _statements(entry.read_text(encoding="utf-8"))
        for entry in files(package).joinpath("schema").iterdir()
        if entry.name.endswith(".sql")
    }


def _named(text: str) -> Iterator[tuple[str, str]]:
    for part in text.split("-- :name ")[1:]:
        name, _, statement = part.partition("\n")
        yield name.strip(), _without_comments(statement)


def _statements(script: str) -> list[str]:
    """The statements of a script that has no semicolon inside one, but between $$ and $$."""
    parts = _without_comments(script).split("$$")
    quoted = "$$".join(part.replace(";", _INSIDE) if at % 2 else part for at, part in enumerate(parts))
    return [s.replace(_INSIDE, ";") for part in quoted.split(";") if (s := part.strip())]


def _without_comments(sql: str) -> str:
    return "\n".join(line.partition("--")[0].rstrip() for line in sql.splitlines()).strip().rstrip(";")
