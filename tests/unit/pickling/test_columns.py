"""A column of envelopes is opened as each of them is alone."""

import pickle
import threading

import pytest

from cloud import pickling
from cloud.errors import CloudException
from cloud.model import Column
from cloud.pickling import CannotPickle


def column(*values: object) -> Column:
    made = Column.of([b"".join(bytes(piece) for piece in pickling.dumps(value)) for value in values])
    assert made is not None
    return made


def test_a_part_of_a_column() -> None:
    values = [1, "x", bytearray(100_000), None, {"a": [2]}]
    assert pickling.loads_column(column(*values), 0, 5) == values
    assert pickling.loads_column(column(*values), 1, 3) == values[1:3]
    assert pickling.loads_column(column(*values), 2, 2) == []


def test_data_of_another_python_is_opened_and_its_code_is_not() -> None:
    assert pickling.loads_column(column(1, [2]), 0, 2, "cpython-38") == [1, [2]]
    with pytest.raises(pickle.UnpicklingError, match="pickled by cpython-38"):
        pickling.loads_column(column(lambda: threading), 0, 1, "cpython-38")


def test_the_error_of_what_cannot_travel_is_known_to_both_worlds() -> None:
    error = CannotPickle("why", hint="what to do")
    assert isinstance(error, pickle.PicklingError)
    assert isinstance(error, CloudException)
    assert str(pickle.loads(pickle.dumps(error))) == "why\nTIP: what to do"
