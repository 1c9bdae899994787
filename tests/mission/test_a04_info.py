"""SPEC A.4: output and runtime."""

import itertools
import sys

import pytest

from cloud.client.session import Session
from tests.support.gates import Gate
from tests.support.waiting import eventually


def foo() -> None:
    print("Output")
    print("An Error", file=sys.stderr)


def test_jids_and_fields_may_be_one_or_several(cloud: Session) -> None:
    """S18, S20: always a dict keyed by jid, of dicts keyed by exactly what was requested."""
    jids = cloud.map(lambda x: print(x), range(2))
    cloud.join(jids)
    one, two = jids
    assert cloud.info(one, "stdout") == {one: {"stdout": "0\n"}}
    assert cloud.info(jids, "stdout") == {one: {"stdout": "0\n"}, two: {"stdout": "1\n"}}
    assert cloud.info([two], ["stdout", "status"]) == {two: {"stdout": "1\n", "status": "done"}}


def test_the_missions_example(cloud: Session) -> None:
    """S19, S21: what a job prints to each stream, as text."""
    jid = cloud.call(foo)
    cloud.join(jid)
    assert cloud.info(jid, ["stderr", "stdout"]) == {jid: {"stderr": "An Error\n", "stdout": "Output\n"}}


def test_the_last_thousand_lines_are_kept(cloud: Session) -> None:
    """S23: of each stream."""

    def chatter() -> None:
        for i in range(2500):
            print("line", i)
            print("error", i, file=sys.stderr)

    jid = cloud.call(chatter)
    cloud.join(jid)
    info = cloud.info(jid, ["stdout", "stderr"])[jid]
    assert info["stdout"].splitlines() == [f"line {i}" for i in range(1500, 2500)]
    assert info["stderr"].splitlines() == [f"error {i}" for i in range(1500, 2500)]


def test_output_and_runtime_are_live(cloud: Session, gate: Gate) -> None:
    """S24, S27: "not available from the PiCloud server until a job has completed": lifted, live on both."""

    def speak() -> None:
        print("half way", flush=True)
        gate.stop()

    jid = cloud.call(speak)
    eventually(lambda: cloud.info(jid, "stdout")[jid]["stdout"] == "half way\n", what="output of a running job")
    gate.wait_for()
    first = cloud.info(jid, "runtime")[jid]["runtime"]
    eventually(lambda: cloud.info(jid, "runtime")[jid]["runtime"] > first, what="growth of the runtime")
    assert cloud.status(jid) == "processing"


def test_a_job_that_waits_has_no_output_and_no_runtime(cloud: Session, gate: Gate) -> None:
    """S24, S27: '' and 0.0 before it starts."""
    jid = cloud.call(foo, _depends_on=cloud.call(gate.stop))
    assert cloud.info(jid, ["stdout", "stderr", "runtime"]) == {jid: {"stdout": "", "stderr": "", "runtime": 0.0}}


@pytest.mark.parametrize(("force", "seen"), [(True, "flushed\n"), (False, "flushed\nnot flushed")])
def test_output_of_a_killed_job(cloud: Session, gate: Gate, force: bool, seen: str) -> None:
    """S25: text in buffers is lost: only so by force; otherwise lifted, the job is asked to end and flushes."""
    numbers = itertools.count()

    def speak(number: int) -> None:
        print("flushed", flush=True)
        print("not flushed", end="")
        gate.stop(number)

    def said() -> str:
        number = next(numbers)
        jid = cloud.call(speak, number)
        gate.wait_for(number)
        cloud.kill(jid, force=force)
        cloud.join(jid, ignore_errors=True)
        stdout: str = cloud.info(jid, "stdout")[jid]["stdout"]
        return stdout

    if force:
        assert said() == seen
    else:  # it has half a second, in which a busy machine may not let it run at all
        eventually(lambda: said() == seen)


def test_runtime_is_seconds_of_wall_clock(cloud: Session) -> None:
    """S26."""

    def sleep() -> None:
        import time

        time.sleep(0.1)

    jid = cloud.call(sleep)
    cloud.join(jid)
    runtime = cloud.info(jid, "runtime")[jid]["runtime"]
    assert isinstance(runtime, float)
    assert 0.1 <= runtime < 10


def test_four_fields_without_a_request_and_all_for_all(cloud: Session) -> None:
    """S27a."""
    jid = cloud.call(abs, -1)
    cloud.join(jid)
    assert set(cloud.info(jid)[jid]) == {"stdout", "stderr", "status", "runtime"}
    everything = cloud.info(jid, "all")[jid]
    assert everything["args"] == (-1,)
    assert {"created", "finished", "exception", "label"} < set(everything)
    with pytest.raises(TypeError):
        cloud.info(jid, 5)  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        cloud.info(jid, ["stdout", 5])  # type: ignore[list-item]
