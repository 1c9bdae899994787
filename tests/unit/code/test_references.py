"""What a pickle refers to is found without running any of it."""

import dataclasses
import os
import xml.dom.minidom
from pathlib import Path

import numpy as np
import pytest

from cloud import pickling
from cloud.pickling.references import References, chunk_references, references
from tests.support import waiting
from tests.support.waiting import eventually

WAITING = "tests.support.waiting"


def of(function: object) -> References:
    assert callable(function)
    return references(pickling.dump_function(function)[1])


def test_a_function_by_reference_names_its_module() -> None:
    assert WAITING in of(eventually).named


def test_globals_and_closures_of_a_function_by_value_are_named() -> None:
    held = eventually
    found = of(lambda: (held, waiting, xml.dom.minidom))
    assert {WAITING, "xml.dom.minidom"} <= found.named


def test_imports_inside_a_function_by_value_are_found_also_in_functions_inside_it() -> None:
    def function() -> None:
        import one.two  # type: ignore[import-not-found]
        from three import four  # type: ignore[import-not-found]

        def inner() -> None:
            import five  # type: ignore[import-not-found]  # noqa: F401

        print(one, four, inner)

    assert {"one.two", "three", "three.four", "five"} <= of(function).imported


def test_imports_by_name_are_found() -> None:
    def function() -> object:
        from importlib import import_module

        return import_module("plugins.first")

    assert "plugins.first" in of(function).imported


def test_methods_of_a_class_by_value_are_looked_at() -> None:
    class Local:
        def method(self) -> None:
            import inside_method  # type: ignore[import-not-found]

            print(inside_method)

    found = chunk_references(pickling.pack_call((Local(), {"key": Local}), {}), set())
    assert "inside_method" in found.imported


def test_nothing_of_a_pickle_is_run(tmp_path: Path) -> None:
    class Hostile:
        def __reduce__(self) -> tuple[object, ...]:
            return os.mkdir, (str(tmp_path / "made"),)

    packed = b"".join(bytes(part) for part in pickling.dumps(Hostile()))
    assert "posix" in references(packed).named
    assert not (tmp_path / "made").exists()


@dataclasses.dataclass
class Point:
    x: int


@pytest.mark.parametrize("value", [Point(1), [Point(1)], {Point: 1}, (np.zeros(100_000), Point(1))])
def test_classes_of_arguments_are_found_when_they_are_interesting(value: object) -> None:
    parts = pickling.pack_call((value,), {})
    assert __name__ in chunk_references(parts, {__name__}).named
    assert chunk_references(parts, {"something.else"}) == References()


def test_every_job_of_a_map_is_looked_at() -> None:
    parts = pickling.pack_map([(i,) for i in range(20)] + [(Point(1),)])
    assert __name__ in chunk_references(parts, {__name__}).named
    large = pickling.pack_map([("x" * 2000, Point(i)) for i in range(20)])
    assert __name__ in chunk_references(large, {__name__}).named


def test_plain_arguments_are_not_even_read() -> None:
    assert chunk_references(pickling.pack_map([(1, "two")]), {"two"}) == References()
