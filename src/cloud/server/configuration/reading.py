"""Reads a configuration. All mistakes are found at once, each with its place and what to write instead."""

import difflib
import os
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from cloud.config import ConfigError
from cloud.server.configuration.kinds import Kind
from cloud.server.configuration.lines import line_of, lines_of
from cloud.server.configuration.sections import SECTIONS, Configuration, TypeSection
from cloud.server.configuration.sense import contradictions

_VARIABLE = re.compile(r"\$\{(\w+)\}")
Path = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Given:
    """What the command line says, which wins over the file: values by (section, name), and the option of each."""

    values: Mapping[tuple[str, str], Any]
    options: Mapping[tuple[str, str], str]


NOTHING = Given({}, {})


def read_configuration(
    file: str | None, given: Given = NOTHING, environment: Mapping[str, str] = os.environ
) -> Configuration:
    """A whole configuration.

    Args:
        file: path of a TOML file; None: the command line says everything.

    Raises:
        ConfigError: the file cannot be read, or anything in it or in `given` cannot be meant; all of it is told.
    """
    return _Reader(file, given, environment).read()


class _Reader:
    def __init__(self, file: str | None, given: Given, environment: Mapping[str, str]) -> None:
        self._file = file
        self._given = given
        self._environment = environment
        self._mistakes: list[tuple[int, str]] = []
        self._lines: dict[Path, int] = {}

    def read(self) -> Configuration:
        told = self._load() if self._file is not None else {}
        for name, content in told.items():
            if name not in SECTIONS and name != "types":
                self._unknown("the file", "section", name, [*SECTIONS, "types.NAME"], (name,))
            elif not isinstance(content, dict):
                self._mistake((name,), f"{name} is a value; expected a section: write [{name}] on a line of its own")
        found: dict[str, Any] = {}
        for name, section in SECTIONS.items():
            content = told.get(name, {})
            found[name] = section(**self._section(name, section, content if isinstance(content, dict) else {}))
        types = told.get("types", {})
        found["types"] = self._types(types) if isinstance(types, dict) else {}
        configuration = Configuration(**found)
        if not self._mistakes:
            for path, text in contradictions(configuration):
                place = f"[{path[0]}] {path[-1]}"
                self._mistake(path, text.replace(place, self._named(path)))
        if self._mistakes:
            raise ConfigError(self._message())
        return configuration

    def _load(self) -> dict[str, Any]:
        assert self._file is not None, "there is one"
        try:
            with open(self._file, encoding="utf-8") as file:
                text = file.read()
            self._lines = lines_of(text)
            return tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            found = re.search(r" \(at line (\d+), column \d+\)", str(error))
            where = f"{self._file}:{found[1]}" if found else self._file
            raise ConfigError(
                f"{where}: this is not TOML: {str(error).replace(found[0] if found else '', '')}"
            ) from None
        except UnicodeDecodeError:
            raise ConfigError(f"{self._file}: this is not UTF-8") from None
        except OSError as error:
            raise ConfigError(f"{self._file}: {error.strerror}") from None

    def _types(self, told: dict[str, Any]) -> dict[str, TypeSection]:
        found: dict[str, TypeSection] = {}
        for name, content in told.items():
            if isinstance(content, dict):
                found[name] = TypeSection(**self._section(f"types.{name}", TypeSection, content))
            else:
                self._mistake(("types", name), f"types.{name} is a value; expected a section [types.{name}]")
        return found

    def _section(self, name: str, section: type[Any], content: dict[str, Any]) -> dict[str, Any]:
        options = {field.name: field.metadata for field in fields(section)}
        names = [*options, *(f"{n}_file" for n, about in options.items() if about["secret"])]
        for key in content:
            if key not in names:
                self._unknown(f"[{name}]", "setting", key, names, (name, key))
        values: dict[str, Any] = {}
        for key, about in options.items():
            if (name, key) in self._given.values:
                self._take(values, (name, key), about["kind"], self._given.values[name, key])
            elif key in content:
                if about["secret"] and f"{key}_file" in content:
                    self._mistake((name, f"{key}_file"), f"[{name}] has both {key} and {key}_file; write one of them")
                self._take(
                    values, (name, key), about["kind"], self._expanded((name, key), content[key]), about["secret"]
                )
            elif about["secret"] and f"{key}_file" in content:
                values[key] = self._from_file((name, f"{key}_file"), content[f"{key}_file"])
        return values

    def _take(self, values: dict[str, Any], path: Path, kind: Kind[Any], value: Any, secret: bool = False) -> None:
        try:
            found = kind.read(value)
        except (ValueError, OverflowError):
            shown = "a secret that" if secret else _shown(value)
            self._mistake(path, f"{self._named(path)} is {shown}; expected {kind.expected}")
            return
        values[path[-1]] = self._beside(found) if kind.path else found

    def _expanded(self, path: Path, value: Any) -> Any:
        """With variables of the environment in the place of ${NAME}."""
        if isinstance(value, list):
            return [self._expanded(path, item) for item in value]
        if not isinstance(value, str):
            return value

        def variable(found: re.Match[str]) -> str:
            if found[1] not in self._environment:
                self._mistake(path, f"{self._named(path)} names the variable {found[1]}, which is not set")
            return self._environment.get(found[1], "")

        return _VARIABLE.sub(variable, value)

    def _from_file(self, path: Path, value: Any) -> str:
        value = self._expanded(path, value)
        if not isinstance(value, str):
            self._mistake(path, f"{self._named(path)} is {_shown(value)}; expected the path of a file, in quotes")
            return ""
        try:
            with open(self._beside(value), encoding="utf-8") as file:
                text = file.read().strip()
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
            self._mistake(path, f"{self._named(path)} cannot be read from {value!r}: {reason}")
            return ""
        if not text:
            self._mistake(path, f"{self._named(path)} names {value!r}, which is empty; expected a secret in it")
        return text

    def _beside(self, path: str) -> str:
        if not path:
            return ""
        return os.path.abspath(os.path.join(os.path.dirname(self._file or ""), os.path.expanduser(path)))

    def _unknown(self, where: str, what: str, name: str, names: list[str], path: Path) -> None:
        near = difflib.get_close_matches(name, names, 1)
        instead = f'did you mean "{near[0]}"?' if near else f"there are: {', '.join(names)}"
        self._mistake(path, f'{where} has no {what} "{name}"; {instead}')

    def _named(self, path: Path) -> str:
        return self._given.options.get((path[0], path[-1])) or f"[{path[0]}] {path[-1]}"

    def _mistake(self, path: Path, text: str) -> None:
        option = self._given.options.get((path[0], path[-1]))
        line = line_of(self._lines, (*path[0].split("."), *path[1:]))
        self._mistakes.append((0 if option or self._file is None else line, text))

    def _message(self) -> str:
        told = []
        for line, text in sorted(self._mistakes):
            told.append(f"{self._file}:{line}: {text}" if line else text)
        if len(told) == 1:
            return told[0]
        return f"{len(told)} mistakes in the configuration:\n" + "\n".join(f"  {text}" for text in told)


def _shown(value: Any) -> str:
    text = f'"{value}"' if isinstance(value, str) else str(value).lower() if isinstance(value, bool) else str(value)
    return text if len(text) <= 100 else text[:97] + "..."
