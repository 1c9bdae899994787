"""SPEC A.15: logging, by programs of the user's on both clouds."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

LINE = re.compile(r"\[\w{3} \w{3} [ \d]\d \d\d:\d\d:\d\d \d{4}\] - \[(\w+)\] - (Cloud[.\w]*)\((\d+)\): (.*)")
USE = """
import logging, sys
import cloud
from cloud import mp
heard = []
class Handler(logging.Handler):
    def emit(self, record):
        heard.append(record.name)
logging.getLogger("Cloud").addHandler(Handler())
used = mp if sys.argv[1] == "mp" else cloud
try:
    used.result(used.call(divmod, 1, 0))
except cloud.CloudException:
    pass
logging.getLogger("Cloud").critical("the worst")
logging.getLogger("Cloud").debug("the least")
print(sorted(set(heard)))
used.close()
"""


@pytest.mark.parametrize("which", ["mp", "server"])
def test_what_happens_is_logged_and_nothing_is_printed(home: Path, which: str) -> None:
    """S60, S61, S62, S62a: told to `Cloud` and its children, which the program may listen to; from INFO up written to
    cloud.log, by the line format of PiCloud; nothing on standard error, whatever happens."""
    done = subprocess.run(
        [sys.executable, "-c", USE, which], capture_output=True, text=True, timeout=300, check=True,
        env={**os.environ, "PICLOUD_WORKERS": "1", "PICLOUD_HOME": str(home)},
    )  # fmt: skip
    assert done.stderr == ""
    assert "'Cloud'" in done.stdout
    assert any(name in done.stdout for name in ("'Cloud.mp'", "'Cloud.HTTPConnection'", "'Cloud.Transport'"))
    lines = [LINE.fullmatch(line) for line in (home / "cloud.log").read_text().splitlines()]
    assert all(lines)
    said = [(match[1], match[2], match[4]) for match in lines if match]
    assert ("CRITICAL", "Cloud", "the worst") in said
    assert "DEBUG" not in [level for level, _, _ in said]
