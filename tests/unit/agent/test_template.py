"""The agent's end of a template: what cannot be started leaves nothing behind."""

import errno
import gc
import os
import socket
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest

from cloud.agent.template import Template
from tests.support.waiting import eventually


@pytest.mark.parametrize(
    ("module", "name"), [(tempfile, "TemporaryFile"), (socket, "socketpair"), (subprocess, "Popen")]
)
def test_a_template_that_cannot_be_started_leaves_no_folder_and_no_descriptor(
    module: Any, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As it is tried again and again on a machine that has no more descriptors."""

    def refuse(*_: Any, **__: Any) -> Any:
        raise OSError(errno.EMFILE, "too many open files")

    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    gc.collect()
    before = len(os.listdir("/proc/self/fd"))
    monkeypatch.setattr(module, name, refuse)
    for _ in range(3):
        with pytest.raises(OSError, match="too many open files"):
            Template(sys.executable, (), {}, None)
    assert list(tmp_path.iterdir()) == []
    # Threads that an earlier test left may just have opened another.
    eventually(lambda: len(os.listdir("/proc/self/fd")) <= before)
