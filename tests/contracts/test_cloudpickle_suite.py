"""cloudpickle's own test suite, run against our pickler through `pickling.dumps` and `loads`.

The suite is that of cloudpickle 2.2.1, the last release whose source distribution contains it; `make setup` fetches
that into the virtual environment. The library under our pickler is whichever version is installed.
"""

import os
import re
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from tests.support.required import require_or_skip

SUBSTITUTION = Path(__file__).parent / "cloudpickle_suite" / "substitution.py"
SUITE = Path(sys.prefix) / "suites" / "cloudpickle-2.2.1.tar.gz"
DIFFERENT = {
    "CloudPickleFileTests::test_closed_file": "a closed file arrives closed (SPEC D.1); cloudpickle refuses it",
}
"""What fails, and why it should."""
OUTDATED = {
    "CloudPickleTest::test_module_importability": "imports distutils, which Python 3.12 removed",
    "test_extract_class_dict": "does not know what Python 3.13 puts into the dictionary of every class",
}
"""What may fail on Pythons that are younger than the suite."""
LEFT_OUT = {
    "Protocol2CloudPickleTest": "the same tests again with pickle protocol 2; ours is 5, always",
}


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="the suite's memory test reads /proc here")
@pytest.mark.skipif(sys.version_info >= (3, 14), reason="the suite is older than Python 3.14 by too much")
def test_cloudpickles_own_tests_pass(tmp_path: Path) -> None:
    """But those of DIFFERENT, which must fail: otherwise the list is out of date."""
    if not SUITE.exists():
        require_or_skip(f"{SUITE} is not there: run `make setup`")
    with tarfile.open(SUITE) as archive:
        tests = [member for member in archive if member.name.startswith("cloudpickle-2.2.1/tests/")]
        archive.extractall(tmp_path, tests, filter="data")
    folder = tmp_path / "cloudpickle-2.2.1"
    shutil.copytree(folder / "tests/cloudpickle_testpkg/_cloudpickle_testpkg", folder / "_cloudpickle_testpkg")
    (folder / "sitecustomize.py").write_text(SUBSTITUTION.read_text())
    (folder / "pytest.ini").write_text("[pytest]\n")
    run = subprocess.run(
        [
            sys.executable, "-m", "pytest", "-q", "-s", "-rfE", "--tb=short", "-p", "no:cacheprovider",
            *(f"--deselect=tests/cloudpickle_test.py::{name}" for name in LEFT_OUT),
            "tests/cloudpickle_test.py", "tests/cloudpickle_file_test.py",
        ],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(folder), "PICLOUD_HOME": str(tmp_path / "home")},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
    )  # fmt: skip
    failed = set(re.findall(r"^(?:FAILED|ERROR) [^:]+::(\S+)", run.stdout, re.MULTILINE))
    if sys.version_info >= (3, 12):
        failed -= set(OUTDATED)
    assert failed == set(DIFFERENT), run.stdout[-20_000:] + run.stderr[-2000:]
    passed = re.search(r"(\d+) passed", run.stdout)
    assert passed is not None
    assert int(passed[1]) >= 120, run.stdout[-2000:]
