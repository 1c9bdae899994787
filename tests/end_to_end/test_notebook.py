"""Progress and handles in a notebook: a real kernel, real processes."""

import asyncio
import re
import warnings
from typing import Any

import nbclient
import nbformat
import pytest

CELLS = [
    """
import os, time
from cloud import mp
def work(file):
    if not file:
        raise ValueError(file)
    while not os.path.exists(file):
        time.sleep(0.01)
jobs = mp.map(work, ["waited for"] * 8 + [""])
jobs""",
    """
from cloud.client import progress
begin = progress.begin
def begin_and_go_on(*of_what):
    "The jobs end once there is something to show of the wait for them."
    open("waited for", "w").close()
    return begin(*of_what)
progress.begin = begin_and_go_on
jobs.join(ignore_errors=True)""",
    "waiting = mp.call(work, 'open'); waiting",
    """
from cloud.client import showing
open('open', 'w').close()
waiting.join(progress=False)
while showing._FOLLOWING._runs:
    time.sleep(0.01)""",
    "[waiting]",
    "waiting.result()",
    "mp.close()",
]


@pytest.fixture(scope="module")
def outputs(tmp_path_factory: pytest.TempPathFactory) -> list[list[dict[str, Any]]]:
    """What is below each cell in the end."""
    v4: Any = nbformat.v4
    notebook = v4.new_notebook(cells=[v4.new_code_cell(cell) for cell in CELLS])
    folder = tmp_path_factory.mktemp("notebook")
    with pytest.MonkeyPatch.context() as patch, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # theirs
        patch.setenv("PICLOUD_WORKERS", "2")
        for name in ("CONFIG", "DATA", "RUNTIME"):
            patch.setenv(f"JUPYTER_{name}_DIR", str(folder / name))
        patch.setenv("IPYTHONDIR", str(folder / "ipython"))
        client = nbclient.NotebookClient(notebook, timeout=300, resources={"metadata": {"path": str(folder)}})
        asyncio.run(client.async_execute())
    return [cell.outputs for cell in notebook.cells]


def test_a_handle_that_is_shown_follows_its_jobs(outputs: list[list[dict[str, Any]]]) -> None:
    (jobs,), (job,) = outputs[0], outputs[2]
    assert "9 jobs" in jobs["data"]["text/html"]
    assert "8/9 done · 1 failed" in jobs["data"]["text/html"]
    assert jobs["data"]["text/plain"] == "<Jobs 1..9 of work>"
    assert job["data"]["text/html"].endswith(">done</span></div>")


def test_a_wait_shows_a_bar_that_stays(outputs: list[list[dict[str, Any]]]) -> None:
    (bar,) = outputs[1]
    assert '<progress max="9" value="9"' in bar["data"]["text/html"]
    assert "<code>work</code>" in bar["data"]["text/html"]
    assert re.match(r"8/9 done · 1 failed · \d\d:\d\d", bar["data"]["text/plain"])


def test_nothing_else_is_shown(outputs: list[list[dict[str, Any]]]) -> None:
    assert [output["data"]["text/plain"] for output in outputs[4]] == ["[<Job 10 work>]"]
    assert [outputs[i] for i in (3, 5)] == [[], []]
