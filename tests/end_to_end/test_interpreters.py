"""Programs of different virtual environments share one server, and each job sees its own packages (DESIGN D15)."""

import json
import subprocess
import sys
import sysconfig
import venv
from importlib.metadata import version
from pathlib import Path

import pytest

from tests.support import processes

OTHER_NUMPY = "2.1.3"
PROGRAM = """
import json, numpy, os, sys, cloud
def see():
    import numpy
    return numpy.__version__, sys.executable
theirs = cloud.result(cloud.call(see))
print(json.dumps([numpy.__version__, sys.executable, *theirs, cloud.connection_info()["server_url"]]))
cloud.close()
"""


def make_venv(folder: Path, numpy: str | None) -> Path:
    """A virtual environment that sees this one's packages behind its own."""
    venv.create(folder, with_pip=False)
    python = folder / "bin" / "python"
    packages = Path(subprocess.check_output(
        [python, "-c", "import sysconfig; print(sysconfig.get_paths()['purelib'])"], text=True
    ).strip())  # fmt: skip
    source = Path(__file__).parents[2] / "src"
    (packages / "behind.pth").write_text(f"{source}\n{sysconfig.get_paths()['purelib']}\n")
    if numpy is not None:
        done = subprocess.run(
            [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", packages, f"numpy=={numpy}"],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        if done.returncode:
            pytest.fail(f"numpy {numpy} could not be installed: {done.stderr[-500:]}")
    return python


@pytest.mark.slow
def test_two_environments_with_different_numpys_use_one_server_and_see_their_own(home: Path, tmp_path: Path) -> None:
    assert version("numpy") != OTHER_NUMPY
    pythons = [make_venv(tmp_path / "a", None), make_venv(tmp_path / "b", OTHER_NUMPY)]
    urls = set()
    for python in pythons * 2:
        mine, executable, theirs, job_executable, url = json.loads(
            subprocess.check_output([python, "-c", PROGRAM], text=True, cwd=tmp_path)
        )
        assert (theirs, job_executable) == (mine, executable)
        assert executable == str(python)
        urls.add(url)
    assert len(urls) == 1
    assert json.loads(subprocess.check_output([pythons[1], "-c", PROGRAM], text=True))[0] == OTHER_NUMPY
    processes.end(pid for pid, words in processes.marked(str(home)).items() if "cloud.server" in words)
