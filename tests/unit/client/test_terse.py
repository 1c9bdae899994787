"""What is printed of a user's mistakes: the user's lines and one of ours; of mistakes of ours, all of it."""

import os
import threading
import traceback
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from cloud.client.session import Session
from cloud.client.terse import tersely
from cloud.errors import JobNotFound
from tests.support.scripted_api import ScriptedApi


@pytest.fixture
def session() -> Session:
    api = ScriptedApi(at_once=True)
    return Session(lambda: api)


def files(error: BaseException) -> list[str]:
    """Of the frames, outermost first."""
    return [frame.filename for frame in traceback.extract_tb(error.__traceback__)]


def generator() -> Iterator[int]:
    yield 1
    raise KeyError("of the user's")


MISTAKES: list[tuple[type[Exception], str, Callable[[Session], Any]]] = [
    (TypeError, r"\(5\) is not callable: the function itself comes first", lambda s: s.call(5)),  # type: ignore[arg-type]
    (TypeError, "takes 1 positional argument", lambda s: s.call(lambda x: x, 1, 2)),
    (TypeError, "bytes is one argument; put it into a list", lambda s: s.map(abs, b"abc")),
    (TypeError, r"jid\(s\) must be integers", lambda s: s.result("7")),  # type: ignore[arg-type]
    (TypeError, "_label must be text", lambda s: s.call(abs, 1, _label=5)),
    (ValueError, "must be a number of seconds or None, not nan", lambda s: s.result(1, timeout=float("nan"))),
    (ValueError, "there is no 'stdot'", lambda s: s.info(1, "stdot")),
    (JobNotFound, "no jid is so long", lambda s: s.status(10**30)),
    (JobNotFound, "no jid is so long", lambda s: s.kill([1, -(10**30)])),
]


@pytest.mark.parametrize(("kind", "says", "mistake"), MISTAKES)
def test_one_frame_of_ours_is_between_the_users_line_and_the_message(
    session: Session, kind: type[Exception], says: str, mistake: Callable[[Session], Any]
) -> None:
    with pytest.raises(kind, match=says) as raised:
        mistake(session)
    assert sum(f"{os.sep}cloud{os.sep}client{os.sep}" in file for file in files(raised.value)) == 1


def test_what_a_coroutine_or_generator_is_comes_with_the_refusal(session: Session) -> None:
    with pytest.raises(TypeError, match="this is what calling generator returned"):
        session.call(generator())  # type: ignore[arg-type]


def test_an_error_of_a_users_generator_shows_the_users_lines(session: Session) -> None:
    with pytest.raises(KeyError) as raised:
        session.map(abs, generator())
    assert [os.path.basename(file) for file in files(raised.value)] == ["test_terse.py", "terse.py", "test_terse.py"]


def test_why_something_cannot_be_pickled_comes_without_the_picklers_frames(session: Session) -> None:
    class Reduced:
        def __reduce__(self) -> Any:
            raise ZeroDivisionError("of the user's")

    with pytest.raises(Exception, match="cannot be pickled: ZeroDivisionError") as raised:
        session.call(print, Reduced())
    assert isinstance(raised.value.__cause__, ZeroDivisionError)
    assert files(raised.value.__cause__) == [__file__]
    with pytest.raises(Exception, match="cannot pickle") as raised:
        session.call(print, threading.Lock())
    assert raised.value.__cause__ is not None
    assert files(raised.value.__cause__) == []


def test_a_long_way_to_what_cannot_be_pickled_is_cut(session: Session) -> None:
    deep: Any = threading.Lock()
    for _ in range(200):
        deep = [deep]
    with pytest.raises(Exception, match=r"<LeftOut levels='\d+'>") as raised:
        session.call(print, deep)
    assert len(str(raised.value).splitlines()) < 70


def test_a_mistake_of_ours_keeps_its_frames() -> None:
    from cloud.model import ranges

    broken = tersely(tersely(ranges.count))
    with pytest.raises(TypeError) as raised:
        broken(5)  # type: ignore[arg-type]
    assert files(raised.value)[-1] == ranges.__file__


def test_cancelling_what_awaits_shows_no_frames_of_ours_but_one(session: Session) -> None:
    import asyncio

    api = session.api
    assert isinstance(api, ScriptedApi)
    api.at_once = False

    async def story() -> BaseException:
        job = session.call(abs, -1)
        waiting = asyncio.ensure_future(session.asynchronous.result(job))
        await asyncio.sleep(0)  # the job sleeps: so it begins to wait
        waiting.cancel()
        try:
            await waiting
        except asyncio.CancelledError as error:
            return error
        raise AssertionError

    found = [file for file in files(asyncio.run(story())) if f"{os.sep}cloud{os.sep}client{os.sep}" in file]
    assert len(found) <= 1
    session.close()
