"""Functions and arguments to bytes: which levels do what, what errors say (SPEC A.10, D.2, D.3)."""

import json
import pickle
import threading
import tracemalloc
from typing import Any

import numpy as np
import pytest

from cloud.client.datalogs import Serialization
from cloud.client.packing import Packer
from cloud.client.session import Session
from cloud.errors import CloudException
from cloud.pickling import Arguments, CannotPickle, ExcessiveData, size_of
from tests.support.scripted_api import ScriptedApi

LOCK = threading.Lock()


class Connection:
    def __init__(self) -> None:
        self.lock = LOCK


def test_the_message_names_the_argument_and_shows_the_way(session: Session) -> None:
    """D.2, for `TypeError` as well as for `PicklingError`."""
    with pytest.raises(CannotPickle) as refusal:
        session.call(lambda a, b: 0, 1, b={"x": [Connection()]})
    text = str(refusal.value)
    assert "cloud.call: argument 'b' ({'x': [<Connection>]}) cannot be pickled: TypeError: cannot pickle" in text
    assert "Pickle trace:\n<PickledObject type='dict'" in text
    assert "<Attribute failed_to_pickle='True' name='lock' type='_thread.lock' reason='TypeError: " in text
    assert isinstance(refusal.value, pickle.PicklingError)
    assert isinstance(refusal.value, CloudException)
    with pytest.raises(
        CannotPickle, match=r"(?s)cloud\.map: item 2, argument 1 .*Pickle trace:.*a generator cannot be"
    ):
        session.map(lambda x: x, [1, 2, (n for n in "ab")])


def test_a_refusal_that_says_what_to_pass_has_no_second_advice(session: Session) -> None:
    with pytest.raises(CannotPickle, match="pass a list of what it yields") as refusal:
        session.call(sum, (n for n in range(3)))
    assert refusal.value.hint == ""
    with pytest.raises(CannotPickle) as refusal:
        session.call(print, LOCK)
    assert "open it inside the job" in (refusal.value.hint or "")


def test_a_failure_is_logged_for_the_transport(session: Session, caplog: pytest.LogCaptureFixture) -> None:
    """D.2: at ERROR to the logger `Cloud.Transport`."""
    with pytest.raises(CannotPickle):
        session.call(print, LOCK)
    (record,) = [record for record in caplog.records if record.name == "Cloud.Transport"]
    assert record.levelname == "ERROR"
    assert "Pickle trace:" in record.getMessage()


@pytest.mark.parametrize(("level", "traced"), [(0, True), (1, False), (2, False), (3, False)])
def test_arguments_are_traced_at_level_0_only(session: Session, level: int, traced: bool) -> None:
    """S41: level 1 is the enhanced pickler without its debugging, 2 and above the plain one."""
    with pytest.raises(CannotPickle) as refusal:
        session.call(print, [LOCK], _fast_serialization=level)
    assert ("Pickle trace:" in str(refusal.value)) is traced
    assert "argument 1" in str(refusal.value)


@pytest.mark.parametrize("level", [0, 1, 2, 9])
def test_the_function_is_enhanced_and_debugged_at_every_level(api: ScriptedApi, session: Session, level: int) -> None:
    """S40: the level is about arguments and result; the function always has the full enhanced pickler."""
    offset = 5
    jid = session.call(lambda x: x + offset, 1, _fast_serialization=level)
    api.run(jid)
    assert session.result(jid) == 6
    with pytest.raises(CannotPickle, match=r"(?s)the function <lambda> cannot .*Pickle trace:.*name='closure'"):
        lock = threading.Lock()
        session.call(lambda: lock, _fast_serialization=level)


def test_level_2_takes_standard_things_only(api: ScriptedApi, session: Session) -> None:
    """S41, S42a: a local class goes at level 1 and is refused at 2; the message says so."""

    class Local:
        pass

    api.run(session.call(id, Local(), _fast_serialization=1))
    with pytest.raises(CannotPickle, match=r"(?s)argument 1.*TIP: leave _fast_serialization out, or give 1"):
        session.call(id, Local(), _fast_serialization=2)
    with pytest.raises(CannotPickle, match="TIP: pass what it is made from"):
        session.call(id, LOCK, _fast_serialization=2)
    with pytest.raises(CannotPickle):
        session.map(id, [lambda: 0], _fast_serialization=2)


@pytest.mark.parametrize("level", [True, "1", 1.0, None])
def test_the_level_is_an_integer(session: Session, level: Any) -> None:
    """S41: a bool or anything else is a TypeError."""
    with pytest.raises(TypeError, match="_fast_serialization must be an integer"):
        session.call(print, _fast_serialization=level)


def test_without_debugging_there_is_no_trace() -> None:
    with pytest.raises(CannotPickle) as refusal:
        Packer(Serialization(debugging=False)).call((LOCK,), {}, 0, "cloud.call")
    assert "Pickle trace" not in str(refusal.value)


class TestTooLarge:
    """`max_transmit_data` holds for a function, the arguments, the keyword arguments, and each item of a map."""

    packer = Packer(Serialization(max_bytes=1000))

    def test_a_function(self) -> None:
        data = "x" * 2000
        with pytest.raises(ExcessiveData, match=r"the function <lambda>: Excessive data \(\d+ bytes\) transmitted"):
            self.packer.function(lambda: data, "cloud.call")

    def test_arguments_and_keyword_arguments_apart(self) -> None:
        half = "x" * 600
        (args, kwargs) = Arguments(b"".join(bytes(p) for p in self.packer.call((half,), {"a": half}, 0, "w")))[0]
        assert (args, kwargs) == ((half,), {"a": half})
        with pytest.raises(ExcessiveData, match=r"cloud\.call: the arguments: Excessive data"):
            self.packer.call((half, 2 * half), {}, 0, "cloud.call")
        with pytest.raises(ExcessiveData, match=r"cloud\.call: the keyword arguments: Excessive data"):
            self.packer.call((), {"a": [half, 2 * half]}, 1, "cloud.call")

    def test_an_item_of_a_map(self) -> None:
        with pytest.raises(ExcessiveData, match=r"cloud\.map: item 12: Excessive data"):
            self.packer.map([(1,), (2,), ("x" * 2000,)], 10, 0, "cloud.map")
        assert self.packer.map([("x" * 600,), ("y" * 600,), (["z" * 600],)], 0, 0, "cloud.map")

    def test_the_message_shows_what_is_large_and_what_to_do(self) -> None:
        value = {"small": [1, 2], "large": b"x" * 5000}
        with pytest.raises(ExcessiveData) as refusal:
            self.packer.call((value,), {}, 0, "cloud.call")
        text = str(refusal.value)
        assert "key='large'" in text
        assert "key='small'" not in text
        assert "raise cloud.config.max_transmit_data" in text
        assert "serialize_logging = True" in text
        assert isinstance(refusal.value, CloudException)

    def test_the_setting_reaches_the_worker(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("PICLOUD_MAX_TRANSMIT_DATA", "5000")
        api = ScriptedApi()
        session = Session(lambda: api)
        session.call(print, 1)
        with pytest.raises(ExcessiveData):
            session.call(print, "x" * 6000)
        (part,) = api.parts
        assert part.spec is not None
        assert part.spec.max_transmit_data == 5000


def test_a_large_array_is_not_copied_before_it_is_sent() -> None:
    """100 MB: nothing of that size is made in packing it, for a call as for a map."""
    array = np.zeros(12_500_000)
    packer = Packer(Serialization())
    tracemalloc.start()
    try:
        call = packer.call((array,), {"scale": 2}, 0, "cloud.call")
        items = packer.map([(array,), (1,)], 0, 0, "cloud.map")
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 1_000_000
    for parts in (call, items):
        assert size_of(parts) > 100_000_000


def test_a_map_of_numbers_is_one_plain_pickle() -> None:
    """The quick way of scalars is as quick as it was: no pickler of ours is asked."""
    (chunk,) = Packer(Serialization()).map([(n,) for n in range(500)], 0, 0, "cloud.map")
    assert bytes(chunk[:1]) == b"P"
    assert pickle.loads(chunk[1:]) == [list(range(500))]
    assert json.loads(json.dumps(Arguments(chunk)[7])) == [[7], {}]
