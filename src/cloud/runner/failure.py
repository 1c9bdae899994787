"""What is told of a job that raised: text for people, and the exception itself where it can travel."""

import os
import traceback
from types import TracebackType

import cloudpickle

from cloud.errors import JobError
from cloud.pickling import ExcessiveData, pack_exception
from cloud.runner.missing import advice

TEXT_MAX_BYTES = 256 * 1024
_PACKAGE = os.path.dirname(os.path.dirname(__file__)) + os.sep
_OWN = (
    *(f"{_PACKAGE}{name}{os.sep}" for name in ("runner", "pickling", "client", "pools", "wire")),
    f"{_PACKAGE}joblib.py",
    os.path.dirname(cloudpickle.__file__) + os.sep,
)
"""Files whose frames say nothing to the user: what runs a job, and what the job itself used to ask for others."""

LOADING, RUNNING, KEEPING = range(3)
"""Which part of a job failed: opening it, the function, pickling the result."""


def describe(error: BaseException, part: int, result: object = None, distributions: str = "") -> str:
    """The traceback with the user's frames only, after a sentence saying what failed if it was not the function."""
    text = _traceback(error)
    tip = advice(error, distributions)
    if tip:
        text = f"{text.rstrip()}\nTIP: {tip}\n"
    if part == LOADING:
        missing = isinstance(error, ModuleNotFoundError) and error.name
        why = f": there is no module named {missing!r} where the job ran" if missing else ""
        text = f"Could not depickle job{why}\n{text}"
    elif part == KEEPING and isinstance(error, ExcessiveData):
        text = str(error)
    elif part == KEEPING:
        line = f"{_line(error)}\n"
        text = f"The result, a {_name(type(result))}, could not be pickled: {line}{text.removeprefix(line)}"
    return bounded(text)


def machine() -> str:
    """What this machine is called."""
    return os.uname().nodename


def envelope(error: BaseException) -> bytes:
    """The exception pickled, if it can be pickled and opened again; else nothing."""
    return pack_exception(error, TEXT_MAX_BYTES)


def bounded(text: str) -> str:
    """The text, with its middle left out if it is very long."""
    half = TEXT_MAX_BYTES // 2
    if len(text) <= TEXT_MAX_BYTES:
        return text
    return f"{text[:half]}\n[... {len(text) - 2 * half} characters left out ...]\n{text[-half:]}"


def _traceback(error: BaseException) -> str:
    try:
        whole = traceback.TracebackException(type(error), error, _users(error.__traceback__), compact=True)
        _drop_what_is_told(whole, 0)
        return f"{''.join(whole.format()).rstrip()}\n"
    except Exception as another:
        return f"{_name(type(error))} (its traceback could not be formatted: {_name(type(another))})\n"


def _users(frames: TracebackType | None) -> TracebackType | None:
    while frames is not None and frames.tb_frame.f_code.co_filename.startswith(_OWN):
        frames = frames.tb_next
    return frames


def _drop_what_is_told(whole: traceback.TracebackException, depth: int) -> None:
    """Frames that say nothing to the user; and what the error of another job came from, since its text tells all of
    it: with each job that waits for the next, everything would be told nearly twice as often."""
    if issubclass(whole.exc_type, JobError):
        whole.__cause__ = whole.__context__ = None
    kept = [frame for frame in whole.stack if not frame.filename.startswith(_OWN)]
    whole.stack = traceback.StackSummary.from_list(kept)
    for other in (whole.__cause__, whole.__context__, *(getattr(whole, "exceptions", None) or ())):
        if other is not None and depth < 100:
            _drop_what_is_told(other, depth + 1)


def _line(error: BaseException) -> str:
    try:
        return f"{_name(type(error))}: {error}"
    except Exception:
        return _name(type(error))


def _name(kind: type) -> str:
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
