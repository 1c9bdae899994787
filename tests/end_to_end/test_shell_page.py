"""The commands of docs/how-to/shell.md run as they are written."""

import os
import re
import subprocess
import sys
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "shell.md"


def test_the_page_runs_from_its_beginning_to_its_end(home: Path, tmp_path: Path) -> None:
    blocks = re.findall(r"^```sh\n(.*?)^```", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    program = f'picloud() {{ "{sys.executable}" -m cloud.cli "$@"; }}\n' + "\n".join(blocks)
    done = subprocess.run(
        ["bash", "-e", "-o", "pipefail", "-c", program],
        cwd=tmp_path,
        env={**os.environ, "PICLOUD_WORKERS": "2"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    shown = done.stdout
    assert shown.startswith("42\ncomputing\n1\n2\n3\n")
    assert "for b\n" in shown
    assert "12.57\n12.5664\n" in shown
    assert '"result": 31415.93}' in shown
    assert "areas.area" in shown
