"""What the enhanced pickler takes beyond the standard one (SPEC D.1)."""

import asyncio
import collections
import dataclasses
import enum
import functools
import logging
import operator
import pickle
import sys
import threading
import types
import typing
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any, Generic, NamedTuple, TypeVar

import numpy as np
import pytest

from cloud import pickling
from cloud.pickling.pickler import add_attributes
from tests.support.modules import imported

T = TypeVar("T")


def copied(value: Any, level: int = 0) -> Any:
    return pickling.loads(bytearray(b"".join(bytes(part) for part in pickling.dumps(value, level))))


def recreated(function: Any) -> Any:
    return pickling.load_function(pickling.dump_function(function)[1])


def test_recursion_and_mutual_references() -> None:
    def even(n: int) -> bool:
        return n == 0 or odd(n - 1)

    def odd(n: int) -> bool:
        return n != 0 and even(n - 1)

    assert recreated(even)(10)
    assert not recreated(odd)(10)


def test_functions_of_one_namespace_share_it_afterwards() -> None:
    namespace: dict[str, Any] = {"__name__": "made", "n": 0}
    exec("def up():\n    global n\n    n += 1\ndef read():\n    return n", namespace)
    up, read = copied([namespace["up"], namespace["read"]])
    up()
    assert read() == 1
    assert namespace["n"] == 0


def test_local_classes_of_every_kind() -> None:
    @dataclasses.dataclass(slots=True)
    class Point:
        x: int
        y: int = 2

    class Colour(enum.Enum):
        RED = 1

    class Flag(enum.IntFlag):
        A = 1
        B = 2

    class Box(Generic[T]):
        def __init__(self, inside: T) -> None:
            self.inside = inside

    class Pair(NamedTuple):
        a: int
        b: str

    made: Any = types.SimpleNamespace(Old=collections.namedtuple("Old", "a b"))  # noqa: PYI024
    point = copied(Point(1))
    assert (point.x, point.y) == (1, 2)
    assert copied(Colour.RED).name == "RED"
    assert copied(Flag.A | Flag.B).value == 3
    assert copied(Box[int]([1])).inside == [1]  # type: ignore[arg-type]
    assert copied(Pair(1, "b")) == (1, "b")
    assert copied(made.Old(1, 2)).b == 2


def test_methods_properties_and_partials() -> None:
    class Counter:
        def __init__(self) -> None:
            self.n = 3

        @property
        def twice(self) -> int:
            return 2 * self.n

        @classmethod
        def kind(cls) -> str:
            return cls.__name__

        @staticmethod
        def three() -> int:
            return 3

        def add(self, other: int) -> int:
            return self.n + other

    assert copied(Counter().add)(4) == 7
    assert copied(functools.partial(Counter.add, Counter()))(1) == 4
    assert copied(Counter().kind)() == "Counter"
    assert copied(Counter.three)() == 3
    assert copied(Counter()).twice == 6
    assert copied(operator.itemgetter(1))([5, 6]) == 6
    assert copied(range(1, 9, 2)) == range(1, 9, 2)


def test_async_functions_and_generators_functions() -> None:
    async def add(a: int, b: int) -> int:
        await asyncio.sleep(0)
        return a + b

    async def count() -> AsyncIterator[int]:
        yield 1

    def letters() -> Iterator[str]:
        yield from "ab"

    async def first() -> int:
        async for number in recreated(count)():
            return int(number)
        return 0

    assert asyncio.run(recreated(add)(1, 2)) == 3
    assert asyncio.run(first()) == 1
    assert list(recreated(letters)()) == ["a", "b"]


def test_modules_and_what_only_this_process_has() -> None:
    assert copied(threading) is threading
    made = types.ModuleType("made_here")
    made.n = 5  # type: ignore[attr-defined]
    assert copied(made).n == 5
    assert copied(logging.getLogger("some.where")) is logging.getLogger("some.where")
    assert copied(typing.Optional[int]) == typing.Optional[int]  # noqa: UP045


def test_a_closure_variable_without_a_value_arrives_without_one() -> None:
    def outer(fill: bool) -> Any:
        def inner() -> Any:
            return late

        if fill:
            late = 1
        return inner

    assert recreated(outer(fill=True))() == 1
    with pytest.raises(NameError):
        recreated(outer(fill=False))()


class TestTransient:
    """`__transient__` names attributes that stay behind."""

    def test_in_a_dictionary(self) -> None:
        class Held:
            __transient__ = ("lock", "absent")

            def __init__(self) -> None:
                self.lock = threading.Lock()
                self.n = 1

        arrived = copied({"a": [Held()]})["a"][0]
        assert vars(arrived) == {"n": 1}

    def test_in_slots_and_of_a_base_class(self) -> None:
        class Base:
            __slots__ = ("lock",)
            __transient__: Any = "lock"

        class Derived(Base):
            __slots__ = ("cache", "n")
            __transient__ = ("cache",)

        held: Any = Derived()
        held.lock, held.cache, held.n = threading.Lock(), threading.Lock(), 2
        arrived = copied(held)
        assert arrived.n == 2
        assert not hasattr(arrived, "lock")
        assert not hasattr(arrived, "cache")

    def test_of_a_class_with_its_own_state(self) -> None:
        class Own:
            __transient__ = ("b",)

            def __getstate__(self) -> dict[str, int]:
                return {"a": 1, "b": 2}

        assert vars(copied(Own())) == {"a": 1}

    def test_not_with_the_plain_pickler(self) -> None:
        """S41: level 2 is only what standard pickle does."""
        held = OfAModule()
        assert vars(copied(held, level=1)) == {}
        assert vars(copied(held, level=2)) == {"n": 1}


class OfAModule:
    __transient__ = ("n",)

    def __init__(self) -> None:
        self.n = 1


class TestAttributesOfNamedFunctions:
    """A function of a module is named, and takes along what was attached to it."""

    def test_they_are_there_after_another_import(self, tmp_path: Path) -> None:
        with imported(tmp_path, attached="def f(): return 1") as module:
            module.f.extra = {"n": 5}
            packed = pickling.dump_function(module.f)[1]
        with imported(tmp_path, attached="def f(): return 2") as module:
            arrived: Any = pickling.load_function(packed)
            assert arrived is module.f
            assert arrived() == 2
            assert arrived.extra == {"n": 5}

    def test_what_cannot_travel_is_left_to_the_import(self, tmp_path: Path) -> None:
        source = "import threading\ndef f(): return 1\nf.lock = threading.Lock()\nf.n = 1"
        with imported(tmp_path, attached=source) as module:
            module.f.n = 2
            packed = pickling.dump_function(module.f)[1]
        with imported(tmp_path, attached=source) as module:
            lock = module.f.lock
            arrived: Any = pickling.load_function(packed)
            assert arrived is module.f
            assert arrived.n == 2
            assert arrived.lock is lock

    def test_what_the_import_bound_to_itself_stays(self, tmp_path: Path) -> None:
        source = "import functools\n@functools.singledispatch\ndef f(x): return 'any'\n"
        with imported(tmp_path, attached=source) as module:
            packed = pickling.dump_function(module.f)[1]
        with imported(tmp_path, attached=source) as module:
            register = module.f.register
            arrived: Any = pickling.load_function(packed)
            assert arrived.register is register
            register(int, lambda x: "int")
            assert arrived(1) == "int"

    def test_a_function_that_refers_to_itself(self, tmp_path: Path) -> None:
        with imported(tmp_path, attached="def f(): return f.me\nf.me = f") as module:
            assert copied(module.f)() is module.f

    def test_new_ones_are_added_and_others_replaced(self) -> None:
        def f() -> None: ...

        f.a, f.b = 1, abs  # type: ignore[attr-defined]
        add_attributes(f, {"a": 2, "b": max, "c": 3})  # type: ignore[arg-type]
        assert vars(f) == {"a": 2, "b": abs, "c": 3}


def test_refused_things_say_what_to_do() -> None:
    def numbers() -> Iterator[int]:
        yield 1

    async def later() -> None: ...

    with pytest.raises(pickle.PicklingError, match=r"a generator cannot be pickled: .* pass a list"):
        pickling.dumps(numbers())
    coroutine = later()
    with pytest.raises(pickle.PicklingError, match=r"a coroutine cannot be pickled: .* pass the async function"):
        pickling.dumps([coroutine])
    coroutine.close()
    with pytest.raises(pickle.PicklingError, match="a stack frame"):
        pickling.dumps(sys._getframe())


def nested(depth: int) -> list[Any]:
    value: list[Any] = []
    for _ in range(depth):
        value = [value]
    return value


def depth_of(value: list[Any]) -> int:
    depth = 0
    while value:
        value, depth = value[0], depth + 1
    return depth


def test_deep_nesting_gets_a_higher_limit_and_then_a_hint() -> None:
    limit = sys.getrecursionlimit()
    assert depth_of(copied(nested(700))) == 700
    with pytest.raises(pickle.PicklingError, match=r"nested too deeply.*sys\.setrecursionlimit"):
        pickling.dumps(nested(100_000))
    assert sys.getrecursionlimit() == limit


def test_arrays_travel_beside_the_pickle_and_are_not_copied() -> None:
    array = np.arange(100_000, dtype=np.float64)
    parts = pickling.dumps({"a": array, "b": [array]})
    beside = [part for part in parts if isinstance(part, memoryview)]
    assert [np.shares_memory(np.frombuffer(part), array) for part in beside] == [True]
    arrived = copied({"a": array, "b": [array]})
    assert arrived["b"][0] is arrived["a"]
    np.testing.assert_array_equal(arrived["a"], array)
    arrived["a"][0] = 7.0


def test_arrays_that_are_not_contiguous_or_hold_objects() -> None:
    array = np.arange(90_000).reshape(300, 300)
    np.testing.assert_array_equal(copied(array[::2, ::3]), array[::2, ::3])
    np.testing.assert_array_equal(copied(array.T), array.T)
    assert copied(np.array([{"a": 1}, None], dtype=object))[0] == {"a": 1}
    structured = np.zeros(3, dtype=[("a", "i4"), ("b", "f8")])
    assert copied(structured).dtype == structured.dtype
    assert copied(np.add) is np.add


@pytest.mark.parametrize("level", [0, 1, 2, 7])
def test_every_level_copies_plain_data(level: int) -> None:
    """S41: level 2 and above are the plain pickler, which knows standard things only."""
    assert copied({"a": [1, (2.5, None)], "b": b"x"}, level) == {"a": [1, (2.5, None)], "b": b"x"}
    if level < 2:
        assert copied(lambda: 5, level)() == 5
    else:
        with pytest.raises((pickle.PicklingError, AttributeError)):
            pickling.dumps(lambda: 5, level)
