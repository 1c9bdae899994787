"""A request whose answer was lost on the wire is repeated by the client and changes nothing the second time."""

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

import cloud
from cloud.config import state_directory
from tests.support.lossy import LossyProxy

Lossy = Callable[[bytes, int], LossyProxy]


@pytest.fixture
def lossy(home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Lossy]:
    """Put a proxy between cloud and its server which loses so many answers to requests that contain some bytes."""
    cloud.close()
    cloud.result(cloud.call(abs, -1))
    card = json.loads((Path(state_directory(str(home))) / "server.json").read_text())
    proxies: list[LossyProxy] = []

    def begin(needle: bytes, times: int) -> LossyProxy:
        left = [times]

        def loses(data: bytes) -> bool:
            if needle in data and left[0]:
                left[0] -= 1
                return True
            return False

        port = urlsplit(card["url"]).port
        assert port is not None
        proxy = LossyProxy(port, loses)
        proxies.append(proxy)
        monkeypatch.setenv("PICLOUD_URL", f"http://127.0.0.1:{proxy.port}")
        monkeypatch.setenv("PICLOUD_API_KEY", str(card["key"]))
        monkeypatch.setenv("PICLOUD_API_SECRETKEY", card["secret"])
        cloud.close()
        return proxy

    yield begin
    cloud.close()
    for proxy in proxies:
        proxy.close()


def test_a_submission_whose_answer_was_lost_makes_no_second_set_of_jobs(lossy: Lossy) -> None:
    proxy = lossy(b"/v1/submit", 2)
    first = cloud.map(lambda x: x * 2, range(10))
    second = cloud.call(lambda: "next")
    assert proxy.lost == 2
    assert second == first[-1] + 1
    assert cloud.result(first) == [x * 2 for x in range(10)]
    assert cloud.result(second) == "next"


def test_results_and_kills_survive_lost_answers(lossy: Lossy) -> None:
    proxy = lossy(b"/v1/outcomes", 3)
    assert cloud.result(cloud.map(abs, range(20))) == list(range(20))
    assert proxy.lost >= 1
    proxy = lossy(b"/v1/kill", 1)
    jid = cloud.call(time.sleep, 600)
    cloud.kill(jid)
    with pytest.raises(cloud.CloudException):
        cloud.result(jid)
    assert (proxy.lost, cloud.status(jid)) == (1, "killed")


def test_jobs_that_run_again_do_so_once_when_the_answer_was_lost(lossy: Lossy) -> None:
    proxy = lossy(b"/v1/rerun", 2)
    jobs = cloud.map(lambda x: x * 2, range(10))
    cloud.join(jobs)
    again = cloud.rerun(jobs[3:6])
    following = cloud.call(lambda: "next")
    assert proxy.lost == 2
    assert list(again) == [following - 3, following - 2, following - 1]
    assert cloud.result(again) == [6, 8, 10]
