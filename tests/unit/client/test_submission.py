"""What `call` and `map` check, and what they send."""

import functools
import re
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cloud.api import Part
from cloud.client import submission
from cloud.client.session import Session
from cloud.errors import CloudException
from cloud.pickling import CannotPickle
from tests.support.scripted_api import ScriptedApi


def square(x: int) -> int:
    return x * x


def test_a_call_is_one_sealed_part_with_function_and_arguments(api: ScriptedApi, session: Session) -> None:
    jid = session.call(lambda x, y: x - y, 7, y=2)
    api.run(jid)
    assert session.result(jid) == 5
    (part,) = api.parts
    assert part.spec is not None
    assert (part.count, part.spec.kind, part.spec.shown_arguments) == (1, "call", ("7, y=2",))
    assert f"test_submission.<lambda> at {__file__}:" in part.spec.function_name


def test_any_callable_can_be_called(busy: Session) -> None:
    class Adder:
        def __init__(self, n: int) -> None:
            self.n = n

        def __call__(self, x: int) -> int:
            return x + self.n

        def method(self, x: int) -> int:
            return x - self.n

    assert busy.result(busy.call(Adder(3), 4)) == 7
    assert busy.result(busy.call(Adder(3).method, 4)) == 1
    assert busy.result(busy.call(functools.partial(square, 4))) == 16
    assert busy.result(busy.call(time.strftime, "x")) == "x"
    assert busy.result(busy.call(int, "7")) == 7


@pytest.mark.parametrize(
    ("attempt", "error", "message"),
    [
        (lambda s: s.call(5), TypeError, r"cloud\.call first argument \(5\) is not callable"),
        (lambda s: s.map(5, [1]), TypeError, r"cloud\.map first argument \(5\) is not callable"),
        (lambda s: s.call(square, 1, 2), TypeError, r"square\(\) takes 1 positional argument \(2 given\)"),
        (lambda s: s.call(square), TypeError, r"square\(\) missing a required argument: 'x'"),
        (lambda s: s.call(square, 1, x=2), TypeError, r"square\(\) got multiple values for argument 'x'"),
        (lambda s: s.call(square, 1, _lable="a"), TypeError, r"unexpected keyword argument '_lable'.*mean _label\?"),
        (lambda s: s.call(square, 1, label="a"), TypeError, r"unexpected keyword argument 'label'.*mean _label\?"),
        (lambda s: s.call(square, 1, y=2), TypeError, r"unexpected keyword argument 'y'$"),
        (lambda s: s.call(square, 1, _foo=1), TypeError, r"unexpected keyword argument '_foo'"),
        (lambda s: s.map(square), ValueError, r"cloud\.map needs at least 2 arguments"),
        (lambda s: s.map(square, "abc"), TypeError, r"map argument 1 \(abc\) is not an iterable.*put it into a list"),
        (lambda s: s.map(square, [1], b"abc"), TypeError, r"map argument 2 .*is not an iterable"),
        (lambda s: s.map(square, 7), TypeError, r"map argument 1 \(7\) is not an iterable"),
        (lambda s: s.map(square, [1], x=1), ValueError, r"cannot pass keyword arguments into cloud\.map: x"),
    ],
)
def test_wrong_arguments_are_refused_before_anything_is_submitted(
    api: ScriptedApi, session: Session, attempt: Any, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        attempt(session)
    assert api.parts == []


def test_a_decorated_function_is_judged_by_what_it_accepts_itself(busy: Session) -> None:
    def inner(extra: int, x: int) -> int:
        return extra + x

    @functools.wraps(inner)
    def outer(*args: int) -> int:
        return inner(1, *args)

    assert busy.result(busy.call(outer, 2)) == 3


def test_an_argument_that_cannot_be_pickled_is_named(api: ScriptedApi, session: Session) -> None:
    lock = threading.Lock()
    with pytest.raises(CannotPickle, match=r"cloud\.call: argument 2 \(<lock>\) cannot be pickled: TypeError"):
        session.call(max, 1, lock)
    with pytest.raises(CloudException, match="argument 'key'"):
        session.call(lambda x, key: x, 1, key=lock)
    with pytest.raises(CannotPickle, match=r"cloud\.map: item 701, argument 2 .* cannot be pickled"):
        session.map(max, range(1000), [0] * 701 + [lock])
    with pytest.raises(CannotPickle, match=r"cloud\.call: the function .*<lambda> cannot be pickled"):
        session.call(lambda: lock)
    assert api.jobs == {}
    assert api.unsealed == {}


def test_a_map_pads_shorter_sequences_with_none(busy: Session) -> None:
    jobs = busy.map(lambda *args: args, [1, 2, 3], [4])
    assert busy.result(jobs) == [(1, 4), (2, None), (3, None)]


def test_a_map_over_nothing_creates_nothing(api: ScriptedApi, session: Session) -> None:
    nothings: list[Any] = [[], iter(()), range(0), {}]
    for nothing in nothings:
        jobs = session.map(square, nothing)
        assert jobs == []
        assert not jobs
        assert session.result(jobs) == []
    assert api.parts == []


def test_a_small_map_is_one_part(api: ScriptedApi, session: Session) -> None:
    assert session.map(square, range(500)) == range(1, 501)
    assert [(part.count, [(c.first, c.count) for c in part.chunks]) for part in api.parts] == [(500, [(0, 500)])]


def test_ten_thousand_small_numbers_are_one_part_of_twenty_chunks(api: ScriptedApi, session: Session) -> None:
    session.map(square, range(10_000))
    (part,) = api.parts
    assert len(part.chunks) == 20


def test_results_of_a_streamed_map_are_those_of_its_items(busy: Session) -> None:
    assert busy.result(busy.map(square, (i for i in range(3000)))) == [i * i for i in range(3000)]


def test_a_map_is_sent_in_parts_of_about_a_mebibyte_with_one_token(api: ScriptedApi, session: Session) -> None:
    items = [bytes([i % 256]) * 100_000 for i in range(60)]
    session.map(len, items)
    assert len(api.parts) > 3
    assert len({part.token for part in api.parts}) == 1
    assert [part.count for part in api.parts] == [None] * (len(api.parts) - 1) + [60]
    for part in api.parts:
        assert sum(len(bytes(p)) for chunk in part.chunks for p in chunk.parts) < 3 << 20
    assert [api.jobs[jid].args[0] for jid in range(1, 61)] == items


def test_a_generator_is_taken_in_step_with_what_is_sent(api: ScriptedApi, session: Session) -> None:
    """Memory stays bounded: what was read from the generator and not yet sent is never more than a few messages."""
    taken = sent = 0
    furthest = 0

    def items() -> Iterator[bytes]:
        nonlocal taken
        for i in range(400):
            taken += 1
            yield bytes([i % 256]) * 50_000

    def count(part: Part) -> None:
        nonlocal sent, furthest
        furthest = max(furthest, taken - sent)
        sent += sum(chunk.count for chunk in part.chunks)

    api.on_submit = count
    session.map(len, items())
    assert sent == 400
    assert furthest < 150


def test_an_error_of_the_input_reaches_the_caller_and_leaves_nothing(api: ScriptedApi, session: Session) -> None:
    def items() -> Iterator[bytes]:
        yield from (bytes([i]) * 100_000 for i in range(100))
        raise ZeroDivisionError("the input")

    with pytest.raises(ZeroDivisionError, match="the input"):
        session.map(len, items())
    assert api.parts, "something had been sent"
    assert api.dropped == [api.parts[0].token]
    assert api.unsealed == {}
    assert api.jobs == {}


def test_an_error_of_the_input_before_anything_was_sent_sends_nothing(api: ScriptedApi, session: Session) -> None:
    with pytest.raises(ZeroDivisionError):
        session.map(square, (1 // 0 for _ in range(3)))
    assert (api.parts, api.dropped) == ([], [])


def test_a_slow_generator_is_sent_piecemeal_as_a_sign_of_life(
    api: ScriptedApi, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(submission, "SIGN_OF_LIFE_SECONDS", -1.0)  # every item is late
    assert session.result(session.map(square, iter([]))) == []
    session.map(square, iter([1, 2, 3]))
    assert [part.count for part in api.parts] == [None, None, 3]


def test_the_function_travels_once(api: ScriptedApi, session: Session) -> None:
    session.call(square, 1)
    session.call(square, 2)
    assert [part.function is None for part in api.parts] == [False, True]


def test_the_function_is_sent_again_when_the_server_forgot_it(api: ScriptedApi, session: Session) -> None:
    session.call(square, 1)
    api.functions.clear()
    jid = session.call(square, 2)
    api.run(jid)
    assert session.result(jid) == 4
    assert [part.function is None for part in api.parts] == [False, True, False]
    assert api.parts[1].token == api.parts[2].token


def test_arguments_are_shown_of_the_first_hundred_jobs_and_bounded(api: ScriptedApi, session: Session) -> None:
    class Loud:
        def __repr__(self) -> str:
            raise AssertionError("a user's repr is never asked for")

    session.map(lambda *a: a, ["x" * 1000, Loud(), [1] * 50, {"a": b"b"}, *range(200)])
    spec = api.parts[0].spec
    assert spec is not None
    assert len(spec.shown_arguments) >= 8
    assert all(len(text) <= 240 for text in spec.shown_arguments)
    assert spec.shown_arguments[1:4] == (
        "<test_arguments_are_shown_of_the_first_hundred_jobs_and_bounded.<locals>.Loud>",
        "[1, 1, 1, 1, 1, 1, ... 50 in all]",
        "{'a': b'b'}",
    )


def test_surroundings_name_this_interpreter(monkeypatch: pytest.MonkeyPatch) -> None:
    import os
    import sys

    from cloud.client.surroundings import surroundings

    one = surroundings()
    monkeypatch.syspath_prepend("")
    two = surroundings()
    assert one.cache_tag == sys.implementation.cache_tag
    assert (one.executable, one.directory) == (sys.executable, os.getcwd())
    assert two.path[0] == os.getcwd(), "relative entries of sys.path are made absolute"
    assert one.machine


def test_variables_that_say_how_libraries_compute_are_among_them_and_others_are_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from cloud.client.surroundings import surroundings

    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    monkeypatch.setenv("A_TOKEN", "secret")
    told = surroundings().variables
    assert told["OMP_NUM_THREADS"] == "3"
    assert "A_TOKEN" not in told
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    assert surroundings().variables["OMP_NUM_THREADS"] == "1", "as of now"


def test_the_reference_lists_them() -> None:
    from cloud.client.surroundings import VARIABLES

    page = (Path(__file__).parents[3] / "docs" / "reference" / "api.md").read_text()
    listed = page.partition("### Environment variables")[2].partition("Others do not")[0]
    assert set(re.findall(r"`([A-Z_]+)`", listed)) | {"CONDA_DEFAULT_ENV", "DYLD_LIBRARY_PATH", "PICLOUD_HOME"} == set(
        VARIABLES
    )
