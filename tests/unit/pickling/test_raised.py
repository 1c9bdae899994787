"""Exceptions that jobs raise arrive, also those whose classes did not think of it."""

import threading
from typing import Any

import pytest

from cloud import pickling


class TwoArguments(Exception):
    def __init__(self, path: str, line: int) -> None:
        super().__init__(f"{path}, line {line}")
        self.path, self.line = path, line


class KeywordOnly(ValueError):
    def __init__(self, *, code: int) -> None:
        super().__init__("refused")
        self.code = code


class Worded(Exception):
    """Opens, and would say something else."""

    def __init__(self, name: str) -> None:
        super().__init__(f"there is no {name}")


class Locked(Exception):
    def __init__(self) -> None:
        super().__init__("locked")
        self.lock, self.n = threading.Lock(), 5


class Failed(OSError):
    def __init__(self, number: int) -> None:
        super().__init__(number, "no such thing")


class Unreducible(Exception):
    def __reduce__(self) -> Any:
        raise RuntimeError("no")


class WithoutText(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no text")


def arrived(error: BaseException) -> Any:
    packed = pickling.pack_exception(error, 10_000)
    assert packed, "it does not travel"
    return pickling.loads(packed)


def test_usual_ones_arrive() -> None:
    error = KeyError("k")
    error.add_note("and more")
    copy = arrived(error)
    assert (type(copy), copy.args, copy.__notes__) == (KeyError, ("k",), ["and more"])


def test_a_class_whose_init_takes_something_else() -> None:
    copy = arrived(TwoArguments("a.txt", 3))
    assert (str(copy), copy.path, copy.line) == ("a.txt, line 3", "a.txt", 3)
    assert arrived(KeywordOnly(code=7)).code == 7


def test_a_message_is_not_made_twice() -> None:
    assert str(arrived(Worded("file"))) == "there is no file"


def test_an_attribute_that_cannot_travel_stays_behind() -> None:
    copy = arrived(Locked())
    assert (copy.n, hasattr(copy, "lock")) == (5, False)


def test_what_the_builtin_class_keeps_is_there() -> None:
    copy = arrived(Failed(2))
    assert (type(copy), copy.errno, copy.strerror) == (Failed, 2, "no such thing")


def test_a_class_that_refuses_to_be_pickled() -> None:
    assert arrived(Unreducible("x")).args == ("x",)


def test_a_class_of_a_function_travels_with_it() -> None:
    class Local(Exception):
        def __init__(self, a: int, b: int) -> None:
            super().__init__(a + b)

    assert arrived(Local(1, 2)).args == (3,)


@pytest.mark.parametrize("error", [ValueError("x" * 20_000), ValueError(threading.Lock())])
def test_what_is_too_large_or_cannot_travel_is_told_in_words_alone(error: Exception) -> None:
    assert pickling.pack_exception(error, 10_000) == b""


def test_one_that_cannot_be_made_into_text_arrives() -> None:
    assert type(arrived(WithoutText(1))) is WithoutText
