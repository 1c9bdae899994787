"""What a worker process notes beside an outcome may be anything: a job can write there, too."""

import json

import pytest

from cloud.agent.harvest import Rows
from cloud.agent.tail import Written
from cloud.wire.strangers import dict_in

STRANGE = [b"[1]", b"no JSON", b"\xff", b"7", b"null", b"[" * 100_000]


@pytest.mark.parametrize("extra", [*STRANGE, b'{"dropped": [3]}'])
def test_it_does_not_keep_an_outcome_from_being_taken(extra: bytes) -> None:
    rows = Rows()
    written = Written(b"the end")
    written.dropped = 5
    rows.add(3, 0.0, 0.0, b"", b"", b"", extra, written, Written())
    assert json.loads(rows.columns[-1][0])["dropped"] == {"stdout": 5, "stderr": 0}


@pytest.mark.parametrize("extra", STRANGE)
def test_it_counts_as_nothing_when_it_is_no_object(extra: bytes) -> None:
    assert dict_in(extra) == {}
    assert dict_in(b'{"a": 1}') == {"a": 1}
