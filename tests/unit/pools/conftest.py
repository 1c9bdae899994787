"""A session on a scripted JobApi."""

from collections.abc import Iterator

import pytest

from cloud.client.session import Session
from tests.support.scripted_api import ScriptedApi


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
