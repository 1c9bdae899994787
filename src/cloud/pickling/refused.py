"""What the pickler refuses, with what to do instead."""

import pickle
import types
from collections.abc import Callable
from typing import Any

_ADVICE: dict[type, tuple[str, str]] = {
    types.GeneratorType: (
        "a generator",
        "it is code that has begun to run; pass a list of what it yields, or the function that makes it",
    ),
    types.AsyncGeneratorType: (
        "an asynchronous generator",
        "it is code that has begun to run; pass the function that makes it",
    ),
    types.CoroutineType: (
        "a coroutine",
        "it is code that has begun to run; pass the async function and its arguments: the job runs it to its end",
    ),
    types.FrameType: ("a stack frame", "it belongs to a running thread; pass the text of traceback.format_stack()"),
    types.TracebackType: (
        "a traceback",
        "it holds the frames of a running thread; pass the text of traceback.format_tb()",
    ),
}


def _refusal(what: str, advice: str) -> Callable[[Any], Any]:
    def refuse(_: Any) -> Any:
        raise pickle.PicklingError(f"{what} cannot be pickled: {advice}")

    return refuse


REFUSED: dict[type, Callable[[Any], Any]] = {kind: _refusal(*texts) for kind, texts in _ADVICE.items()}
"""Reducers that raise `pickle.PicklingError`, by type."""
