"""Layers of settings that end with the test."""

import pytest

from cloud.config import values


@pytest.fixture(autouse=True)
def _as_before(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a test assigns, commits or chooses is forgotten."""
    for layer in ("_script", "_assigned", "_committed", "_chosen"):
        monkeypatch.setattr(values.VALUES, layer, {})
    monkeypatch.setattr(values.VALUES, "_at_commit", [])
