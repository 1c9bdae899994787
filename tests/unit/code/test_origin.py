"""Where modules come from, without importing any."""

import sys
from pathlib import Path

import pytest

from cloud.client.code.origin import Origins


@pytest.mark.parametrize("init", [True, False])
def test_folders_without_init_are_found_in_packages_that_are_not_loaded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, init: bool
) -> None:
    inner = tmp_path / "outer_of_origin" / "inner"
    inner.mkdir(parents=True)
    (inner / "leaf.py").touch()
    if init:
        (inner.parent / "__init__.py").touch()
    monkeypatch.syspath_prepend(str(tmp_path))
    found = Origins().find("outer_of_origin.inner.leaf")
    assert found is not None
    assert found.file == str(inner / "leaf.py")
    assert Origins().find("outer_of_origin.missing.leaf") is None
    assert "outer_of_origin" not in sys.modules
