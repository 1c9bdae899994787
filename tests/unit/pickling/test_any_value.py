"""Whatever is pickled: its copy is equal, its log is well-formed, and sizes add up."""

import xml.etree.ElementTree as ET
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from cloud import pickling
from cloud.pickling.trace import document, pickle_trace


class Held:
    def __init__(self, **members: Any) -> None:
        self.__dict__.update(members)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Held) and vars(self) == vars(other)

    __hash__ = None  # type: ignore[assignment]


class Unpicklable:
    def __reduce__(self) -> Any:
        raise ValueError("on purpose")


SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text() | st.binary(max_size=400)
KEYS = st.text() | st.integers() | st.tuples(st.integers(), st.text())


def nested(leaves: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.recursive(
        leaves,
        lambda inner: (
            st.lists(inner, max_size=4)
            | st.dictionaries(KEYS, inner, max_size=4)
            | st.tuples(inner, inner)
            | inner.map(lambda value: Held(member=value, again=[value]))
            | st.frozensets(KEYS, max_size=3)
        ),
        max_leaves=12,
    )


@settings(max_examples=150, deadline=None)
@given(nested(SCALARS))
def test_its_copy_and_its_log(value: Any) -> None:
    envelope = b"".join(bytes(part) for part in pickling.dumps(value))
    assert pickling.loads(envelope) == value
    assert pickle_trace(value) == ""
    root = ET.fromstring(document(value).partition("\n")[2])
    for element in root.iter():
        inside = sum(int(child.get("size", "0")) for child in element)
        assert inside <= int(element.get("size", "0")) or element.get("is_memoized")


@settings(max_examples=150, deadline=None)
@given(nested(SCALARS | st.just(Unpicklable())).filter(lambda value: not can_be_pickled(value)))
def test_the_trace_of_a_failure_is_one_way(value: Any) -> None:
    trace = pickle_trace(value).partition("\n")[2].rpartition("See ")[0]
    element = ET.fromstring(trace)
    while len(element):
        (element,) = element
    assert element.get("type") == f"{__name__}.Unpicklable"
    assert element.get("reason") == "ValueError: on purpose"
    assert document(value).count("failed_to_pickle='True'") == 1


def can_be_pickled(value: Any) -> bool:
    try:
        pickling.dumps(value)
    except ValueError:
        return False
    return True
