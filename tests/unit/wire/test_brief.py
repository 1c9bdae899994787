"""The brief form of a WORK message says what the long form says."""

import pytest

from cloud.errors import ProtocolMismatch
from cloud.wire import brief, message


def _brief(token: str) -> bytes:
    return brief.encode(7, 3, 11, 2, 902, (0, 500), token, b"arguments")


@pytest.mark.parametrize("token", ["", "a token \N{SNOWMAN}"])
def test_it_opens_as_the_long_form_does(token: str) -> None:
    long = {
        "op": "work", "seq": 7, "count": 3, "sid": 11, "first": 2, "jid": 902, "how": 0,
        "chunks": [[0, 500, 1]], "token": token,
    }  # fmt: skip
    header, frames = message.decode(b"".join(message.encode(long, [b"arguments"])))
    opened, views = brief.decode(_brief(token))
    assert {**opened, "chunks": [list(chunk) for chunk in opened["chunks"]]} == header
    assert [bytes(view) for view in views] == [bytes(frame) for frame in frames]


def test_its_first_bytes_tell_it_from_the_long_form_and_how_long_it_is() -> None:
    whole = _brief("t")
    assert brief.is_brief(whole)
    assert brief.size_of(whole[:8]) == len(whole)
    assert not brief.is_brief(message.encode({"op": "exit"})[0])


def test_one_that_was_cut_short_is_refused() -> None:
    with pytest.raises(ProtocolMismatch, match="cut short"):
        brief.decode(_brief("")[:40])
