"""The pickle trace: the way to what cannot be pickled (SPEC D.2), and the snapshot of what is large (SPEC D.3)."""

import functools
import socket
import threading
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cloud.pickling.trace import SHOWN_ENDS, WHERE_TO_READ_ON, pickle_trace, snapshot


def way(value: Any) -> list[str]:
    """Names of the elements on the way: 'Attribute globals', 'Value k', 'Element 2', ..."""
    text = pickle_trace(value)
    first, _, rest = text.partition("\n")
    assert first == "Pickle trace:"
    element = ET.fromstring(rest.rpartition("See ")[0])
    steps = []
    while True:
        named = element.get("name") or element.get("key") or element.get("entryNum") or ""
        steps.append(f"{element.tag} {named}".strip())
        if len(element) == 0:
            break
        (element,) = element
    assert element.get("failed_to_pickle") == "True"
    assert element.get("reason")
    return steps


class Held:
    def __init__(self, value: Any) -> None:
        self.number = 1
        self.value = value


class WithSlots:
    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value


LOCK = threading.Lock()


def test_through_containers() -> None:
    assert way((1, [2, {"k": LOCK}])) == ["PickledObject", "Element 1", "Element 1", "Value k"]
    assert way({7: LOCK, "other": 1}) == ["PickledObject", "Value 7"]
    assert way({(1, 2): LOCK}) == ["PickledObject", "Value object"]


def test_through_instances_and_their_slots() -> None:
    assert way(Held([LOCK])) == ["PickledObject", "Attribute value", "Element 0"]
    assert way(WithSlots(Held(LOCK))) == ["PickledObject", "Attribute value", "Attribute value"]


def test_through_the_parts_of_a_function() -> None:
    def closed() -> Any:
        return held

    held = Held(LOCK)
    assert way(closed) == ["PickledObject", "Attribute closure", "Element 0", "Attribute value"]
    assert way(lambda x=held: x) == ["PickledObject", "Attribute defaults", "Element 0", "Attribute value"]
    namespace = {"used": LOCK, "unused": LOCK}
    exec("def f(): return used", namespace)
    assert way(namespace["f"]) == ["PickledObject", "Attribute globals", "Value used"]

    def attached() -> None: ...

    attached.lock = LOCK  # type: ignore[attr-defined]
    assert way(attached) == ["PickledObject", "Attribute function_attributes", "Value lock"]


def test_through_methods_partials_and_classes() -> None:
    class Local:
        lock = LOCK

        def method(self) -> None: ...

    assert way(functools.partial(max, LOCK)) == ["PickledObject", "Attribute args", "Element 0"]
    assert way(Held(LOCK).__init__) == ["PickledObject", "Attribute self", "Attribute value"]  # type: ignore[misc]
    assert way(Local) == ["PickledObject", "Attribute lock"]


def test_a_subclass_of_a_container() -> None:
    class Names(list[Any]):
        pass

    class Table(dict[str, Any]):
        pass

    assert way(Names([1, LOCK])) == ["PickledObject", "Element 1"]
    assert way(Table(a=1, b=LOCK)) == ["PickledObject", "Value b"]


class Stubborn:
    def __reduce__(self) -> Any:
        raise ValueError("not <this> one's way & never")


class Broken:
    def __reduce__(self) -> Any:
        return 5


def test_the_reason_is_there_whatever_was_raised() -> None:
    text = pickle_trace([Stubborn()])
    assert "reason='ValueError: not &lt;this> one&apos;s way &amp; never'" in text
    assert way([Broken()]) == ["PickledObject", "Element 0"]
    assert "TypeError: cannot pickle &apos;_thread.lock&apos; object" in pickle_trace(LOCK)
    with socket.socket() as connection:
        assert way({"c": connection}) == ["PickledObject", "Value c"]


def test_what_can_be_pickled_has_no_trace() -> None:
    assert pickle_trace([1, "x", Held]) == ""


def test_the_trace_of_something_nested_very_deeply() -> None:
    value: Any = LOCK
    for _ in range(800):
        value = [value]
    trace = pickle_trace(value)
    assert "failed_to_pickle" in trace or "<LeftOut" in trace
    assert trace.count("\n") < 50


def test_the_snapshot_shows_large_members_only() -> None:
    value = {"small": list(range(100)), "large": np.zeros(100_000), "text": "x" * 500_000}
    text = snapshot(value, 400_000)
    assert "key='large'" in text
    assert "key='text'" in text
    assert "key='small'" not in text
    assert not text.startswith("<?xml")


@pytest.mark.parametrize("text", ["\x00\x1b", "\ud800", "]]>", "a\nb"])
def test_any_text_makes_well_formed_xml(text: str) -> None:
    value = {text: text * 300, "d" * 200: [LOCK]}
    ET.fromstring(snapshot(value, 0))
    assert way(value)[1].startswith("Value " + "d" * 64 + "...")


def test_the_page_that_traces_point_to_is_there() -> None:
    assert (Path(__file__).parents[3] / WHERE_TO_READ_ON).exists()


def test_an_explanation_is_given_up_when_it_takes_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cloud.pickling.trace.MAX_SECONDS", 0.0)
    value = [[n] for n in range(5000)] + [LOCK]
    assert pickle_trace(value) == "Pickle trace: given up after 0 seconds."
    assert "given_up_after='0 s'" in snapshot(value[:-1], 0)


def test_a_long_way_is_shown_without_its_middle() -> None:
    nested: list[object] = [threading.Lock()]
    for _ in range(100):
        nested = [nested]
    trace = pickle_trace(nested)
    assert trace.count("<Element ") == 2 * SHOWN_ENDS - 1
    assert "<LeftOut levels='82'>" in trace
    assert trace.count("failed_to_pickle='True'") == 1
    assert trace.count("<") == trace.count(">")


def test_a_way_of_some_steps_is_shown_whole() -> None:
    nested: list[object] = [threading.Lock()]
    for _ in range(15):
        nested = [nested]
    assert pickle_trace(nested).count("<Element ") == 16
