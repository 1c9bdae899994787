"""A job's function may be asynchronous: what it returned is run to its end, in an event loop of the job's own.

`asyncio` is imported by those jobs only.
"""

import os
import threading
from types import CoroutineType, TracebackType
from typing import Any

Coroutine = CoroutineType
"""What calling an `async def` function returns."""


def value_of(coroutine: "CoroutineType[Any, Any, Any]") -> Any:
    """What it returns in the end; tasks that it left behind are cancelled, as by `asyncio.run`.

    Raises:
        BaseException: what it raises, without the frames of `asyncio` that led to it.
    """
    import asyncio

    try:
        asyncio.get_running_loop()
    except RuntimeError:
        pass
    else:  # inline, in a notebook or a coroutine: its loop cannot be entered again
        return _in_a_thread(coroutine)
    try:
        return asyncio.run(coroutine)
    except BaseException as error:
        raise error.with_traceback(_users(error.__traceback__, os.path.dirname(asyncio.__file__)))  # noqa: B904 (the same)


def _in_a_thread(coroutine: "CoroutineType[Any, Any, Any]") -> Any:
    ended: list[Any] = [None, None]

    def run() -> None:
        try:
            ended[0] = value_of(coroutine)
        except BaseException as error:
            ended[1] = error

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    if ended[1] is not None:
        raise ended[1]
    return ended[0]


def _users(frames: TracebackType | None, asyncio: str) -> TracebackType | None:
    while frames is not None and frames.tb_frame.f_code.co_filename.startswith((__file__, asyncio + os.sep)):
        frames = frames.tb_next
    return frames
