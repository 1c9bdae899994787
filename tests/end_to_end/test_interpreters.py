"""`picloud start --python PATH`: workers of another version of Python, for clients that are elsewhere."""

import os
import subprocess
import sys
import uuid
from pathlib import Path

import pytest

from cloud import pickling
from cloud.api import NewChunk, Part
from cloud.client import connect
from cloud.errors import NoInterpreter
from cloud.model import Environment, Spec
from tests.contracts.test_engine_deaths import another_python

PICLOUD = [sys.executable, "-m", "cloud.cli"]


def test_an_interpreter_is_added_and_kept(home: Path, tmp_path: Path) -> None:
    """D13: a job of another minor version is refused, with the command that adds workers for it."""
    packed, about = another_python()
    function = bytes.fromhex(packed)
    session = connect.network_session()

    def submit() -> range:
        import hashlib

        spec = Spec("call", hashlib.sha256(function).hexdigest(), "f", Environment(about["cache_tag"]))
        chunk = NewChunk(0, 1, pickling.pack_call((5,), {}))
        receipt = session.api.submit(Part(uuid.uuid4().hex, spec, [function], [chunk], 1))
        assert receipt.jids is not None
        return receipt.jids

    with pytest.raises(NoInterpreter, match="picloud start --python PATH"):
        submit()
    python = installed_in(tmp_path / "venv", about["executable"])
    said = subprocess.run(
        [*PICLOUD, "start", "--python", python], capture_output=True, text=True, check=True, timeout=300
    )
    assert f"jobs of {about['cache_tag']} run on {python}" in said.stdout
    assert results(session.api, submit()) == about["cache_tag"]
    assert about["cache_tag"] in session.api.describe()["interpreters"]
    session.close()
    subprocess.run([*PICLOUD, "stop"], capture_output=True, check=True, timeout=300)
    assert results(session.api, submit()) == about["cache_tag"], "the server remembers"
    session.close()


def results(api: object, jids: range) -> str:
    from cloud.client.http import HttpApi

    assert isinstance(api, HttpApi)
    (ended,) = api.outcomes((jids,), timeout_seconds=120)
    assert ended.cache_tag == "" or ended.cache_tag.startswith("cpython-")
    version, argument = pickling.loads(ended.outcomes.bytes_of("result", 0))
    assert argument == 5, bytes(ended.outcomes.bytes_of("error", 0))
    return f"cpython-3{version}"


def installed_in(folder: Path, python: str) -> str:
    """A virtual environment of that interpreter in which picloud can be imported."""
    import cloudpickle

    subprocess.run([python, "-m", "venv", "--without-pip", folder], check=True, timeout=300)
    site = next(folder.glob("lib/python3*/site-packages"))
    (site / "cloudpickle").symlink_to(Path(cloudpickle.__file__).parent)
    (site / "picloud.pth").write_text(str(Path(__file__).parents[2] / "src") + "\n")
    return str(folder / "bin" / "python")


def test_what_cannot_run_jobs_is_refused_with_the_reason(home: Path, tmp_path: Path) -> None:
    bare = tmp_path / "bare"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", bare], check=True, timeout=300)
    for python, reason in ((str(bare / "bin/python"), "install picloud there"), ("/nowhere/python", "no program")):
        said = subprocess.run(
            [*PICLOUD, "start", "--python", python], capture_output=True, text=True, check=False, timeout=300
        )
        assert said.returncode != 0
        assert reason in said.stderr
    assert not os.path.exists(home / "server")
