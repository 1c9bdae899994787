"""`import cloud` is quick and light: what a user does not use is not loaded."""

import subprocess
import sys

import pytest

NOT_LOADED = (
    "asyncio", "click", "cloudpickle", "jinja2", "msgspec", "numpy", "ray", "rich", "sqlite3", "starlette", "uvicorn",
    "cloud.dispatch", "cloud.mp", "cloud.server", "cloud.stores",
)  # fmt: skip


@pytest.mark.parametrize("statement", ["import cloud", "import cloud; cloud.call; cloud.result; cloud.CloudException"])
def test_import_cloud_loads_nothing_heavy(statement: str) -> None:
    allowed = {"cloudpickle"} if "call" in statement else set()
    loaded = _modules_after(statement)
    assert [name for name in NOT_LOADED if name in loaded and name not in allowed] == []


def test_import_cloud_costs_less_than_a_hundred_modules() -> None:
    """Counted in modules beyond those of a bare interpreter, because a count does not depend on the machine's mood."""
    more = _modules_after("import cloud") - _modules_after("pass")
    assert len(more) < 100, sorted(more)


def test_the_runner_loads_nothing_of_the_server() -> None:
    loaded = _modules_after("import cloud.runner.template")
    assert [name for name in NOT_LOADED if name in loaded and name != "cloudpickle"] == []


def _modules_after(statement: str) -> set[str]:
    code = f"{statement}\nimport sys\nprint(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=300, check=True)
    return set(done.stdout.split())
