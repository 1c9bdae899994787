"""SPEC A.5: delete."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cloud import mp
from cloud.client.session import Session
from cloud.errors import CloudException
from tests.support.gates import Gate


def test_what_is_deleted_can_not_be_had_any_more(cloud: Session) -> None:
    """S28, S29: of one job or several; every access raises `CloudException`."""
    jids = cloud.map(str, range(4))
    cloud.join(jids)
    cloud.delete(jids[0])
    cloud.delete(jids[1:3])
    access: list[Callable[[int], Any]] = [
        cloud.status, cloud.result, cloud.info, cloud.join, cloud.delete,
        lambda jid: next(cloud.iresult([jid])),
        lambda jid: cloud.call(str, _depends_on=jid),
    ]  # fmt: skip
    for jid in jids[:3]:
        for ask in access:
            with pytest.raises(CloudException, match=str(int(jid))):
                ask(jid)
    assert cloud.result(jids[3]) == "3"


def test_deleting_leaves_serialization_logs(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """S30: it releases memory, and removes no log files."""
    mp.close()
    monkeypatch.setenv("PICLOUD_WORKERS", "1")
    monkeypatch.setenv("PICLOUD_SERIALIZE_LOGGING", "1")
    jid = mp.call(abs, -1)
    mp.join(jid)
    before = sorted(home.glob("datalogs/**/*"))
    mp.delete(jid)
    assert sorted(home.glob("datalogs/**/*")) == before != []
    mp.close()


def test_what_is_not_finished_is_not_deleted(cloud: Session, gate: Gate) -> None:
    """S30a: on cloud.mp, PiCloud killed it without a word: lifted, it is refused as by the server, as a whole."""
    done = cloud.call(abs, 1)
    cloud.join(done)
    running = cloud.call(gate.stop)
    waiting = cloud.call(abs, 1, _depends_on=running)
    for jids in (running, waiting, [done, running]):
        with pytest.raises(CloudException, match="only finished jobs"):
            cloud.delete(jids)
    gate.open()
    assert cloud.result([done, running, waiting]) == [1, None, 1]
