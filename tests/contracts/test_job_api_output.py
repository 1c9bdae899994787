"""`JobApi.output`, kept by every speaker: what a job writes, while it runs and later, counted from its first byte."""

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from cloud.api import JobApi, OutputPiece
from cloud.errors import InvalidSubmission, JobNotFound
from tests.contracts.test_job_api import SOON, submit
from tests.support.job_apis import SPEAKERS, speaker
from tests.support.waiting import eventually


@pytest.fixture(scope="module", params=SPEAKERS)
def api(request: pytest.FixtureRequest) -> Iterator[JobApi]:
    """Each speaker, on a real core with worker processes."""
    with speaker(request.param) as api:
        yield api


class Talker:
    """A job that writes and runs `code` for each line that it is told; None ends it."""

    def __init__(self, api: JobApi, path: Path) -> None:
        import os

        os.mkfifo(path)
        self._api = api
        self.jid = submit(api, _talk, [(str(path),)]).start
        self._line = open(path, "w", buffering=1)  # waits for the job to open it, too

    def say(self, code: str) -> None:
        self._line.write(code + "\n")

    def end(self) -> None:
        self._line.close()


def _talk(path: str) -> None:
    import sys

    with open(path) as told:
        for line in told:
            exec(line, {"say": sys.stdout.write, "sys": sys})


@pytest.fixture
def talker(api: JobApi, tmp_path: Path) -> Iterator[Talker]:
    talker = Talker(api, tmp_path / "told")
    yield talker
    talker.end()
    jids = (range(talker.jid, talker.jid + 1),)
    assert not api.wait(jids, timeout_seconds=SOON, stop_on_failure=False).unfinished


def read(api: JobApi, jid: int, stream: str = "stdout", **where: Any) -> OutputPiece:
    return api.output(jid, stream, timeout_seconds=SOON, **where)


def read_until(api: JobApi, jid: int, enough: Callable[[bytes], bool], stream: str = "stdout") -> bytes:
    """Follow from the beginning."""
    got, piece = b"", OutputPiece(0, b"", ended=False, attempt=0)
    while not enough(got) and not piece.ended:
        piece = read(api, jid, stream, start=piece.start + len(piece.data), attempt=piece.attempt)
        assert piece.start == len(got)
        got += bytes(piece.data)
    return got


def test_what_a_running_job_writes_comes_while_it_runs(api: JobApi, talker: Talker) -> None:
    talker.say("print('one')")
    first = read(api, talker.jid)
    assert (first.start, bytes(first.data), first.ended, first.attempt) == (0, b"one\n", False, 1)
    nothing = api.output(talker.jid, "stdout", start=4, attempt=1, timeout_seconds=0)
    assert (nothing.start, bytes(nothing.data), nothing.ended) == (4, b"", False)
    talker.say("print('two'); print('wrong', file=sys.stderr)")
    assert bytes(read(api, talker.jid, start=4, attempt=1).data) == b"two\n"
    assert bytes(read(api, talker.jid, "stderr").data) == b"wrong\n"


def test_who_asks_before_the_job_writes_is_answered_when_it_does(api: JobApi, talker: Talker) -> None:
    answers: list[OutputPiece] = []
    asking = threading.Thread(target=lambda: answers.append(read(api, talker.jid)))
    asking.start()
    talker.say("print('at last')")
    asking.join(SOON)
    assert [bytes(piece.data) for piece in answers] == [b"at last\n"]


def test_what_is_stored_continues_what_was_live(api: JobApi, talker: Talker) -> None:
    talker.say("print('live'); say('and')")
    assert bytes(read(api, talker.jid).data) == b"live\n"
    talker.say("say(' stored')")
    talker.end()
    got, piece = b"", OutputPiece(0, b"live\n", ended=False, attempt=1)
    while not piece.ended:
        piece = read(api, talker.jid, start=piece.start + len(piece.data), attempt=1)
        got += bytes(piece.data)
    assert got == b"and stored"
    assert bytes(read(api, talker.jid, start=2).data) == b"ve\nand stored"


def test_positions_count_what_was_dropped(api: JobApi, talker: Talker) -> None:
    talker.say("print(*range(30_000), sep=chr(10))")
    whole = "".join(f"{i}\n" for i in range(30_000)).encode()
    kept = whole[whole.index(b"\n29000\n") + 1 :]

    def last() -> OutputPiece:
        return read(api, talker.jid, start=len(whole) - 6)

    assert bytes(last().data) == b"29999\n"
    running = read(api, talker.jid)
    assert whole[running.start :].startswith(bytes(running.data))
    talker.end()
    jids = (range(talker.jid, talker.jid + 1),)
    assert not api.wait(jids, timeout_seconds=SOON, stop_on_failure=False).unfinished
    stored = read(api, talker.jid)
    assert (stored.start, bytes(stored.data), stored.ended) == (len(whole) - len(kept), kept, True)
    assert last() == OutputPiece(len(whole) - 6, b"29999\n", ended=True, attempt=1)


def test_a_finished_job_that_wrote_nothing_answers_at_once(api: JobApi) -> None:
    jid = submit(api, abs, [(1,)]).start
    assert read(api, jid) == OutputPiece(0, b"", ended=True, attempt=1)
    assert read(api, jid, "logging") == OutputPiece(0, b"", ended=True, attempt=1)


def test_of_another_attempt_all_comes_again(api: JobApi, talker: Talker) -> None:
    talker.say("print('one')")
    piece = read(api, talker.jid, start=3, attempt=7)
    assert (piece.start, bytes(piece.data), piece.attempt) == (0, b"one\n", 1)


def test_jobs_and_streams_that_are_not_there_are_named(api: JobApi) -> None:
    with pytest.raises(JobNotFound):
        api.output(10**9, "stdout", timeout_seconds=0)
    jid = submit(api, abs, [(1,)]).start
    with pytest.raises(InvalidSubmission, match="stdin"):
        api.output(jid, "stdin", timeout_seconds=0)
    read(api, jid)
    api.delete((range(jid, jid + 1),))
    with pytest.raises(JobNotFound):
        api.output(jid, "stdout", timeout_seconds=0)


def test_what_a_job_logs_comes_while_it_runs_and_stays(api: JobApi, talker: Talker) -> None:
    talker.say("import logging; logging.getLogger('x').warning('one %d', 1)")
    first = read(api, talker.jid, "logging")
    assert (first.start, bytes(first.data), first.ended) == (0, b"WARNING:x:one 1\n", False)
    answers: list[OutputPiece] = []
    end = len(first.data)
    asking = threading.Thread(target=lambda: answers.append(read(api, talker.jid, "logging", start=end, attempt=1)))
    asking.start()
    talker.say("import logging; logging.getLogger('x').error('two')")
    asking.join(SOON)
    assert [bytes(piece.data) for piece in answers] == [b"ERROR:x:two\n"]
    jids = (range(talker.jid, talker.jid + 1),)
    # An agent elsewhere has a moment to answer; of a job of which it says nothing in time, nothing is known.
    eventually(lambda: api.info(jids, ["logging"])[0]["logging"] == "WARNING:x:one 1\nERROR:x:two")
    talker.end()
    assert not api.wait(jids, timeout_seconds=SOON, stop_on_failure=False).unfinished
    stored = read(api, talker.jid, "logging", start=end)
    assert stored == OutputPiece(end, b"ERROR:x:two\n", ended=True, attempt=1)
    assert api.info(jids, ["logging"])[0]["logging"] == "WARNING:x:one 1\nERROR:x:two"


def test_of_a_long_log_the_end_is_kept(api: JobApi, talker: Talker) -> None:
    talker.say("import logging; [logging.getLogger('x').warning('%06d', i) for i in range(30_000)]; print()")
    read(api, talker.jid)
    whole = b"".join(b"WARNING:x:%06d\n" % i for i in range(30_000))
    live = read(api, talker.jid, "logging")
    assert live.start > 0
    assert whole[live.start :] == bytes(live.data)
    talker.end()
    jids = (range(talker.jid, talker.jid + 1),)
    assert not api.wait(jids, timeout_seconds=SOON, stop_on_failure=False).unfinished
    stored = read(api, talker.jid, "logging")
    assert stored.ended
    assert stored.start > live.start
    assert whole[stored.start :] == bytes(stored.data)


def test_the_log_of_a_job_that_was_killed_outright_is_kept(api: JobApi, talker: Talker) -> None:
    talker.say("import logging; logging.getLogger('x').warning('last words')")
    read(api, talker.jid, "logging")
    jids = (range(talker.jid, talker.jid + 1),)
    api.kill(jids, force=True)
    assert not api.wait(jids, timeout_seconds=SOON, stop_on_failure=False).unfinished
    assert bytes(read(api, talker.jid, "logging", start=8).data) == b"x:last words\n"
    assert read(api, talker.jid, "logging").ended
