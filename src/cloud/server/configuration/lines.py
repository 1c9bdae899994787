"""Where in a TOML text its keys are; the standard library's reader does not say."""

import re
import tomllib

_HEADER = re.compile(r"\s*\[\[?\s*([^\]]+?)\s*\]")
_KEY = re.compile(r"\s*([A-Za-z0-9_.\"' -]+?)\s*=")


def lines_of(text: str) -> dict[tuple[str, ...], int]:
    """Line numbers from 1 of all tables and of the keys that begin a line, by their path."""
    found: dict[tuple[str, ...], int] = {}
    table: tuple[str, ...] = ()
    lines = text.splitlines()
    for number, line in enumerate(lines, 1):
        header, key = _HEADER.match(line), _KEY.match(line)
        if not (header or key) or _inside_a_value(lines[: number - 1]):
            continue
        if header:
            table = _parts(header[1])
            found.setdefault(table, number)
        elif key:
            found.setdefault((*table, *_parts(key[1])), number)
    return found


def line_of(lines: dict[tuple[str, ...], int], path: tuple[str, ...]) -> int:
    """Of this key, or of the nearest thing around it."""
    while path and path not in lines:
        path = path[:-1]
    return lines.get(path, 1)


def _inside_a_value(before: list[str]) -> bool:
    """Whether a value that began in these lines goes on: they are not TOML by themselves."""
    try:
        tomllib.loads("\n".join(before) + "\n")
    except tomllib.TOMLDecodeError:
        return True
    return False


def _parts(key: str) -> tuple[str, ...]:
    return tuple(part.strip().strip("\"'") for part in key.split("."))
