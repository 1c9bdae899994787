"""Plain functions are pickled once; everything that could change between two pickles makes one not plain."""

from types import FunctionType
from typing import Any

import pytest

from cloud.pickling.function import dump_function, load_function
from cloud.pickling.plain import PlainFunctions, is_plain


def made(source: str, **names: Any) -> FunctionType:
    """The function f of a program."""
    place = {"__name__": "__main__", **names}
    exec(source, place)
    function = place["f"]
    assert isinstance(function, FunctionType)
    return function


@pytest.mark.parametrize("source", ["def f(): pass", "def f(x: int) -> 'str': return len(x)", "f = lambda x: x * x"])
def test_a_function_that_is_its_code_is_plain(source: str) -> None:
    function = made(source)
    known = PlainFunctions()
    known.put(function, "value")
    assert is_plain(function)
    assert known.get(function) == "value"


@pytest.mark.parametrize(
    "source",
    [
        "y = 1\ndef f(): return y",
        "def f(x=[]): return x",
        "def f(*, x=1): return x",
        "def f(): return f",
        "def f():\n    global later\n    later = 1",
        "def g(x):\n    def f(): return x\n    return f\nf = g(1)",
        "def f(): pass\nf.attribute = 1",
        "class A: pass\ndef f(x: A): pass",
        "def f(): return (lambda: y)()\ny = 1",
        "def f():\n    globals()['n'] = 1",
        "y = 1\ndef f():\n    class A:\n        x = y\n    return A.x",
        "def f(): exec('global n; n = 1')",
        "def f(): return eval('globals()')",
    ],
)
def test_a_function_with_anything_besides_is_not(source: str) -> None:
    function = made(source)
    known = PlainFunctions()
    known.put(function, "value")
    assert not is_plain(function)
    assert known.get(function) is None


def test_what_changes_is_noticed() -> None:
    function = made("def f(): return len('')")
    known = PlainFunctions()
    known.put(function, "value")
    function.__globals__["len"] = str
    assert known.get(function) is None
    del function.__globals__["len"]
    assert known.get(function) == "value"
    function.__name__ = "g"
    assert known.get(function) is None


def test_globals_of_a_class_inside_a_function_travel_as_they_are_now() -> None:
    function = made("y = 1\ndef f():\n    class A:\n        x = y\n    return A.x")
    assert load_function(dump_function(function)[1])() == 1
    function.__globals__["y"] = 2
    assert load_function(dump_function(function)[1])() == 2
