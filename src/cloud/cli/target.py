"""Functions named on the command line: `module:function` and `script.py:function`."""

import importlib
import os
import sys
from collections.abc import Callable
from typing import Any

import click


def find_function(target: str) -> Callable[..., Any]:
    """The function; modules of the current directory, and beside a script, can be imported.

    Raises:
        click.UsageError: there is none of this name.
        click.ClickException: the module cannot be imported; its traceback was shown.
    """
    place, _, name = target.rpartition(":")
    if not place or not name:
        raise click.UsageError(f"{target!r} is not a function: write module:function, or path/to/script.py:function")
    is_script = place.endswith(".py") or os.sep in place
    found: Any = _script(place) if is_script else _module(place)
    for part in name.split("."):
        if not hasattr(found, part):
            raise click.UsageError(f"there is no {part!r} in {place}")
        found = getattr(found, part)
    if not callable(found):
        raise click.UsageError(f"{name!r} in {place} is not a function, but of type {type(found).__name__}")
    function: Callable[..., Any] = found
    return function


def _module(name: str) -> Any:
    sys.path.insert(0, os.getcwd())
    return _imported(name)


def _script(path: str) -> Any:
    if not os.path.isfile(path):
        raise click.UsageError(f"there is no script {path!r}")
    folder, file = os.path.split(os.path.abspath(path))
    name, ending = os.path.splitext(file)
    if ending != ".py" or "." in name:
        raise click.UsageError(f"{path!r} cannot be imported: its name must end in .py, and have no other dot")
    sys.path.insert(0, folder)
    module = _imported(name)
    if os.path.abspath(getattr(module, "__file__", None) or "") != os.path.join(folder, file):
        raise click.UsageError(f"{path!r} has the name of another module, {name!r}: rename it")
    return module


def _imported(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except Exception as error:
        missing = getattr(error, "name", None) if isinstance(error, ModuleNotFoundError) else None
        if missing and (name == missing or name.startswith(f"{missing}.")):
            raise click.UsageError(f"there is no module {missing!r} here") from None
        _show_from_there(error)
        raise click.ClickException(f"{name} cannot be imported") from None


def _show_from_there(error: Exception) -> None:
    """The traceback without what is ours, and Python's, at its beginning."""
    import traceback

    trace = error.__traceback__
    while trace is not None and (trace.tb_frame.f_globals.get("__name__") or "").startswith(("importlib", __name__)):
        trace = trace.tb_next
    traceback.print_exception(error.with_traceback(trace), chain=error.__cause__ is not None)
