"""What `functools` wrapped travels wherever it was defined."""

import functools
import threading
from pathlib import Path
from typing import Any

import pytest

from cloud import pickling
from cloud.pickling.trace import pickle_trace
from tests.support.modules import imported


def copied(value: Any) -> Any:
    return pickling.loads(bytearray(b"".join(bytes(part) for part in pickling.dumps(value))))


def test_a_cache_that_cannot_be_imported_is_made_anew_and_begins_empty() -> None:
    @functools.lru_cache(maxsize=7, typed=True)
    def fibonacci(n: int) -> int:
        """Of n."""
        return n if n < 2 else fibonacci(n - 1) + fibonacci(n - 2)

    assert fibonacci(9) == 34
    arrived: Any = copied(fibonacci)
    assert arrived is not fibonacci
    assert arrived.cache_info().currsize == 0
    assert arrived(80) == 23416728348467685
    assert arrived.cache_parameters() == {"maxsize": 7, "typed": True}
    assert (arrived.__name__, arrived.__doc__) == ("fibonacci", "Of n.")
    assert arrived.__wrapped__.__name__ == "fibonacci"


def test_what_refers_to_itself_by_a_global_name_finds_its_own_cache() -> None:
    namespace: dict[str, Any] = {"__name__": "__main__", "functools": functools}
    exec("@functools.cache\ndef f(n): return n and f(n - 1) + 1", namespace)
    arrived = copied(namespace["f"])
    assert arrived(5) == 5
    assert arrived.cache_info().currsize == 6
    assert (arrived.__module__, arrived.__qualname__) == ("__main__", "f")


def test_methods_of_a_class_that_travels_by_value() -> None:
    class Model:
        @functools.cache  # noqa: B019
        def twice(self, n: int) -> int:
            return 2 * n

        @functools.cached_property
        def third(self) -> int:
            return 3

        @functools.singledispatchmethod
        def kind(self, value: Any) -> str:
            return "object"

        @kind.register
        def _(self, value: int) -> str:
            return "int"

    arrived = copied(Model())
    assert arrived.twice(4) == 8
    assert arrived.third == 3
    assert (arrived.kind(1), arrived.kind("")) == ("int", "object")


def test_a_single_dispatch_function_has_its_implementations() -> None:
    class Own: ...

    @functools.singledispatch
    def kind(value: Any) -> str:
        return "object"

    @kind.register
    def _(value: int) -> str:
        return "int"

    @kind.register(list)
    def _(value: Any) -> str:
        return f"list of {kind(value[0])}"

    kind.register(Own, lambda value: "own")
    arrived, own = copied((kind, Own()))
    assert arrived is not kind
    assert [arrived(value) for value in (1, "", [1], own)] == ["int", "object", "list of int", "own"]
    assert arrived.__name__ == "kind"


def test_those_of_modules_are_named(tmp_path: Path) -> None:
    source = (
        "import functools\n@functools.cache\ndef f(): return 1\n@functools.singledispatch\ndef g(x): return 'any'\n"
    )
    with imported(tmp_path, wrapping=source) as module:
        assert copied([module.f, module.g]) == [module.f, module.g]


def test_what_cannot_travel_is_found_inside_them() -> None:
    lock = threading.Lock()

    @functools.cache
    def f() -> Any:
        return lock

    with pytest.raises(TypeError, match="lock"):
        pickling.dumps(f)
    assert "failed_to_pickle='True'" in pickle_trace(f)
