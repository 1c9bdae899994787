"""cloudconf.py: a Python script of the user's, written with comments when missing, run when `cloud` is imported.

Whatever is wrong with it is said once on standard error and survived: importing `cloud` never fails.
"""

import os
import sys
from typing import Any

from cloud.config.locations import give_back, home_directory
from cloud.config.options import BY_NAME, OPTIONS, ConfigError, Value
from cloud.config.values import VALUES

NAME = "cloudconf.py"
SAID: list[str] = []
"""What was wrong with it, for the log."""
_IS_PROGRAM = False


_HEAD = '''"""Settings of picloud: a Python script that runs when `cloud` is imported.

Every option is also an attribute of `cloud.config`, and a variable of the environment, which wins over this file.
The reference says more: docs/reference/configuration.md.
"""
'''


def is_program() -> bool:
    """Whether this process is a program of the user's that imported `cloud`, not a worker or a server of ours."""
    return _IS_PROGRAM


def run_at_import() -> None:
    """Find, or write, and run the script of this user; once per process."""
    global _IS_PROGRAM
    if _IS_PROGRAM:
        return
    _IS_PROGRAM = True
    home = home_directory()
    try:
        VALUES.take_script(run_script(os.path.join(home, NAME)))
    except FileNotFoundError:
        write_missing(home)
    except OSError:
        return  # a home that cannot be read, as some daemons have: defaults


def run_script(path: str) -> dict[str, Value]:
    """The options that a script says. What is wrong with it is said on standard error."""
    with open(path, "rb") as file:
        source = file.read()
    names: dict[str, Any] = {"__name__": "cloudconf", "__file__": path}
    try:
        exec(compile(source, path, "exec"), names)  # noqa: S102 (it is the user's own script, in the user's program)
    except (Exception, SystemExit) as error:
        _say(f"Malformed {path}: {_where(error, path)}{type(error).__name__}: {error}. Using default settings.")
        return {}
    values = {}
    for name, value in names.items():
        if name in BY_NAME:
            try:
                values[name] = BY_NAME[name].read(value)
            except ConfigError as error:
                _say(f"{path}: {error.parameter}. Using the default, {BY_NAME[name].default!r}.")
            except Exception as error:  # of an object that cannot even be compared or shown
                _say(f"{path}: {name} cannot be read: {type(error).__name__}. Using the default.")
    return values


def _where(error: BaseException, path: str) -> str:
    if isinstance(error, SyntaxError):
        return ""  # it says so itself
    lines = []
    frames = error.__traceback__
    while frames is not None:
        if frames.tb_frame.f_code.co_filename == path:
            lines.append(frames.tb_lineno)
        frames = frames.tb_next
    return f"line {lines[-1]}: " if lines else ""


def _say(text: str) -> None:
    SAID.append(text)
    if sys.stderr is not None:
        try:
            print(f"picloud: {text}", file=sys.stderr)
        except (OSError, ValueError):
            return


def write_missing(home: str) -> bool:
    """Write a script with every option and its default, unless there is one now; whether it was written.

    The script appears whole: programs that start together see none or all of it.
    """
    path = os.path.join(home, NAME)
    passing = f"{path}.{os.getpid()}"
    try:
        if not os.path.isdir(home):
            os.makedirs(home, mode=0o700, exist_ok=True)
            give_back(home, home)
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | getattr(os, "O_NOFOLLOW", 0)
        with open(os.open(passing, flags, 0o600), "w", encoding="utf-8") as file:
            file.write(render())
        give_back(passing, home)
        try:
            os.link(passing, path)  # fails if there is one
        finally:
            os.unlink(passing)
    except (OSError, AttributeError):  # read-only, full, somebody was quicker, no links: it can do without
        return False
    return True


def render() -> str:
    """The text of a new script."""
    parts = [_HEAD]
    section = ""
    for option in OPTIONS:
        if option.hidden:
            continue
        if option.section != section:
            section = option.section
            parts.append(f'"""\n{section}\n"""\n')
        parts.append(f"# {option.doc}\n{option.name} = {option.default!r}\n")
    return "\n".join(parts)
