"""Named SQL: `-- :name what_it_does` above each statement of a file in `sql/`."""

from importlib.resources import files


class Queries:
    """The statements of one file in the folder `sql` of a package, each an attribute."""

    def __init__(self, file: str, package: str = __package__) -> None:
        text = files(package).joinpath("sql", file).read_text(encoding="utf-8")
        for part in text.split("-- :name ")[1:]:
            name, _, statement = part.partition("\n")
            setattr(self, name.strip(), _without_comments(statement))

    def __getattr__(self, name: str) -> str:
        raise AttributeError(f"no query is named {name}")


def statements(script: str) -> list[str]:
    """The statements of a script that has no semicolon inside one."""
    return [s for part in _without_comments(script).split(";") if (s := part.strip())]


def _without_comments(sql: str) -> str:
    return "\n".join(line.partition("--")[0].rstrip() for line in sql.splitlines()).strip().rstrip(";")
