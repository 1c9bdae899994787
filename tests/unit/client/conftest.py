"""A session on a scripted JobApi."""

from collections.abc import Iterator

import pytest

from cloud.client.code import ledger
from cloud.client.session import Session
from tests.support.scripted_api import ScriptedApi


@pytest.fixture(autouse=True)
def _nothing_local_is_needed_yet(monkeypatch: pytest.MonkeyPatch) -> None:
    """Local modules that the jobs of other tests needed are not sent along with those of this one."""
    monkeypatch.setattr(ledger, "LEDGER", ledger.Ledger())


@pytest.fixture
def api() -> ScriptedApi:
    """Jobs finish when the test says so."""
    return ScriptedApi()


@pytest.fixture
def session(api: ScriptedApi) -> Iterator[Session]:
    """A session whose jobs finish when the test says so."""
    session = Session(lambda: api)
    yield session
    session.close()


@pytest.fixture
def busy() -> Iterator[Session]:
    """A session whose jobs finish when they are submitted."""
    session = Session(lambda: ScriptedApi(at_once=True))
    yield session
    session.close()
