"""Turn any Python function into a durable job.

    jid = cloud.call(lambda x: x * x, 7)
    cloud.result(jid)  # 49

Importing this runs the user's cloudconf.py, contacts nothing and loads little: names are looked up when they are first
used.
"""

import sys
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from cloud import account as account, aio as aio, config as config, files as files, mp as mp
    from cloud import pool_interface as pool_interface, shell as shell
    from cloud.client.code.explain import explain as explain
    from cloud.client.code.whitelist import set_dependency_whitelist as set_dependency_whitelist
    from cloud.client.functions import (
        call as call,
        close as close,
        connection_info as connection_info,
        delete as delete,
        info as info,
        iresult as iresult,
        iresult_unordered as iresult_unordered,
        is_simulated as is_simulated,
        join as join,
        kill as kill,
        map as map,
        output as output,
        rerun as rerun,
        result as result,
        running_on_cloud as running_on_cloud,
        stack as stack,
        status as status,
        why as why,
    )
    from cloud.client.jobs import Job as Job, Jobs as Jobs
    from cloud.client.setkey import setkey as setkey
    from cloud.config import getconfigpath as getconfigpath
    from cloud.errors import CloudException as CloudException, CloudTimeoutError as CloudTimeoutError
    from cloud.model import FINISHED_WORDS as finished_statuses
    from cloud.pools.futures import Executor as Executor
    from cloud.simulator import start_simulator as start_simulator

_FUNCTIONS = (
    "call", "close", "connection_info", "delete", "info", "iresult", "iresult_unordered", "is_simulated", "join",
    "kill", "map", "output", "rerun", "result", "running_on_cloud", "stack", "status", "why",
)  # fmt: skip
_HOMES = {
    **dict.fromkeys(_FUNCTIONS, "cloud.client.functions"),
    "CloudException": "cloud.errors",
    "CloudTimeoutError": "cloud.errors",
    "Executor": "cloud.pools.futures",
    "Job": "cloud.client.jobs",
    "Jobs": "cloud.client.jobs",
    "account": "",
    "aio": "",
    "config": "",
    "files": "",
    "explain": "cloud.client.code.explain",
    "finished_statuses": "cloud.model",
    "getconfigpath": "cloud.config",
    "mp": "",
    "pool_interface": "",
    "set_dependency_whitelist": "cloud.client.code.whitelist",
    "setkey": "cloud.client.setkey",
    "shell": "",
    "start_simulator": "cloud.simulator",
}
__all__ = [
    "CloudException", "CloudTimeoutError", "Executor", "Job", "Jobs", "account", "aio", "call", "close", "config",
    "connection_info", "delete", "explain", "files", "finished_statuses", "getconfigpath", "info", "iresult",
    "iresult_unordered", "is_simulated", "join", "kill", "map", "mp", "output", "pool_interface", "rerun",
    "result", "running_on_cloud", "set_dependency_whitelist", "setkey", "shell", "stack", "start_simulator", "status",
    "why",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    # `from cloud import wire` asks here first: what is not public must fail at once, and load next to nothing.
    import importlib

    if name not in __all__:
        raise AttributeError(importlib.import_module("cloud.client.other_words").of_module("cloud", name))
    if not _HOMES[name]:
        return importlib.import_module(f"cloud.{name}")
    module = importlib.import_module(_HOMES[name])
    value = list(module.FINISHED_WORDS) if name == "finished_statuses" else getattr(module, name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*(name for name in globals() if name.startswith("__")), *__all__})


def _is_program() -> bool:
    """Whether a program of the user's imports this, and not a worker or a server of ours, which have other settings."""
    words = sys.orig_argv[1:3]
    return not (words[:1] == ["-m"] and words[-1].startswith(("cloud.runner", "cloud.server")))


if _is_program():
    from cloud.config.script import run_at_import

    run_at_import()
