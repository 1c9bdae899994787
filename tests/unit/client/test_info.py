"""`info`: what may be asked, and the shape of the answer."""

import datetime as dt
from typing import Any

import pytest

from cloud.api import INFO_FIELDS
from cloud.client.session import Session


def test_the_answer_is_a_dict_of_dicts_also_for_one_jid(busy: Session) -> None:
    jid = busy.call(abs, 1)
    assert busy.info(jid, "runtime") == {1: {"runtime": 1.5}}
    assert busy.info([jid], ["status", "stdout"]) == {1: {"status": "done", "stdout": "out\n"}}
    assert busy.info([]) == {}


def test_four_fields_are_usual_and_all_is_all(busy: Session) -> None:
    jid = busy.call(abs, 1)
    assert list(busy.info(jid)[jid]) == ["stdout", "stderr", "status", "runtime"]
    assert set(busy.info(jid, "all")[jid]) == set(INFO_FIELDS)


def test_output_is_text_whatever_the_bytes(busy: Session) -> None:
    jid = busy.call(abs, 1)
    assert busy.info(jid)[jid]["stderr"] == "\ufffd"


def test_times_are_naive_utc(busy: Session) -> None:
    jid = busy.call(abs, 1)
    assert busy.info(jid, ["created", "finished"])[jid] == {
        "created": dt.datetime(1970, 1, 1), "finished": None,
    }  # fmt: skip


def test_parts_can_be_asked_for_by_dotted_names(busy: Session) -> None:
    jid = busy.call(abs, 1)
    wanted = ["cputime.user", "memory.max_usage", "swap.usage", "memory.failcnt", "memory"]
    assert busy.info(jid, wanted)[jid] == {
        "cputime.user": 0.5, "memory.max_usage": 7, "swap.usage": 3, "memory.failcnt": None,
        "memory": {"max_usage": 7, "swap.usage": 3},
    }  # fmt: skip


def test_arguments_and_function_come_back_as_values(busy: Session) -> None:
    jid = busy.call(lambda x, y: x - y, 5, y=3)
    info = busy.info(jid, ["args", "kwargs", "func_object"])[jid]
    assert (info["args"], info["kwargs"]) == ((5,), {"y": 3})
    assert info["func_object"](5, 3) == 2


def test_thousands_of_jobs_are_asked_for_in_several_requests(busy: Session) -> None:
    jobs = busy.map(abs, range(2500))
    assert list(busy.info(jobs, "status")) == list(range(1, 2501))


@pytest.mark.parametrize(
    ("requested", "error", "message"),
    [
        (5, TypeError, "info_requested must be a string or strings, not 5"),
        (b"stdout", TypeError, "info_requested"),
        (["stdout", 5], TypeError, "info_requested must be strings, 5 is not one"),
        ("stout", ValueError, "there is no 'stout'; it may be 'all' or any of: status, stdout"),
        ("memory.colour", ValueError, "there is no 'memory.colour'"),
    ],
)
def test_a_wrong_request_is_named(busy: Session, requested: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        busy.info(1, requested)
