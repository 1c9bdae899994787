"""Changing options in the user's cloudconf.py: only the assignments themselves, whatever else the script does."""

import ast
import os
import stat
import uuid
from collections.abc import Mapping

from cloud.config.locations import give_back
from cloud.config.options import BY_NAME, ConfigError, Value
from cloud.config.script import NAME, run_script, write_missing


def change_options(home: str, values: Mapping[str, Value]) -> str:
    """Let the script say these values; it appears whole. Returns its path.

    Raises:
        ConfigError: it cannot be understood, or would still say something else; it stays as it was.
        OSError: it cannot be written.
    """
    path = os.path.join(home, NAME)
    if not os.path.exists(path):
        write_missing(home)
    wanted = "; ".join(f"{name} = {value!r}" for name, value in values.items())
    try:
        with open(path, encoding="utf-8", newline="") as file:
            text = _changed(file.read(), values)
    except (SyntaxError, ValueError) as error:
        raise ConfigError(f"{path} cannot be understood: {error}", hint=f"mend it, or write there: {wanted}") from None
    real = os.path.realpath(path)
    passing = f"{real}.{uuid.uuid4().hex}"
    try:
        with open(
            os.open(passing, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8", newline=""
        ) as out:
            out.write(text)
        said = run_script(passing)
        if any(said.get(name, BY_NAME[name].default) != value for name, value in values.items()):
            raise ConfigError(f"{path} does not come to what it is told", hint=f"it should end with: {wanted}")
        os.chmod(passing, stat.S_IMODE(os.stat(real).st_mode))
        give_back(passing, home)
        os.replace(passing, real)
    finally:
        if os.path.exists(passing):
            os.unlink(passing)
    return path


def _changed(text: str, values: Mapping[str, Value]) -> str:
    """
    Raises:
        SyntaxError, ValueError: it is no Python.
    """
    lines = text.encode().splitlines(keepends=True)  # of bytes: where Python ends lines, and nowhere else
    found: dict[str, ast.stmt] = {}
    for statement in ast.parse(text).body:
        for target in _targets(statement):
            if isinstance(target, ast.Name) and target.id in values:
                found[target.id] = statement
    for name, statement in sorted(found.items(), key=lambda item: (-item[1].lineno, -item[1].col_offset)):
        first, last = statement.lineno - 1, (statement.end_lineno or statement.lineno) - 1
        before, behind = lines[first][: statement.col_offset], lines[last][statement.end_col_offset :]
        lines[first : last + 1] = [before + f"{name} = {values[name]!r}".encode() + behind]
    missing = [f"{name} = {value!r}\n" for name, value in values.items() if name not in found]
    if missing and lines and not lines[-1].endswith((b"\n", b"\r")):
        lines[-1] += b"\n"
    return b"".join(lines).decode() + "".join(missing)


def _targets(statement: ast.stmt) -> list[ast.expr]:
    """What a statement assigns, if it is one name."""
    if isinstance(statement, ast.Assign) and len(statement.targets) == 1:
        return statement.targets
    return [statement.target] if isinstance(statement, ast.AnnAssign) and statement.value is not None else []
