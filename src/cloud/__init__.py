"""Turn any Python function into a durable job.

    jid = cloud.call(lambda x: x * x, 7)
    cloud.result(jid)  # 49

Importing this contacts nothing and loads nothing: names are looked up when they are first used.
"""

from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from cloud import mp as mp
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
        result as result,
        running_on_cloud as running_on_cloud,
        status as status,
    )
    from cloud.client.jobs import Job as Job, Jobs as Jobs
    from cloud.errors import CloudException as CloudException, CloudTimeoutError as CloudTimeoutError
    from cloud.model import FINISHED_WORDS as finished_statuses

_FUNCTIONS = (
    "call", "close", "connection_info", "delete", "info", "iresult", "iresult_unordered", "is_simulated", "join", "kill",
    "map", "result", "running_on_cloud", "status",
)  # fmt: skip
_HOMES = {
    **dict.fromkeys(_FUNCTIONS, "cloud.client.functions"),
    "CloudException": "cloud.errors",
    "CloudTimeoutError": "cloud.errors",
    "Job": "cloud.client.jobs",
    "Jobs": "cloud.client.jobs",
    "finished_statuses": "cloud.model",
    "mp": "",
}
__all__ = [
    "CloudException", "CloudTimeoutError", "Job", "Jobs", "call", "close", "connection_info", "delete",
    "finished_statuses", "info", "iresult", "iresult_unordered", "is_simulated", "join", "kill", "map", "mp", "result",
    "running_on_cloud", "status",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    # `from cloud import wire` asks here first: what is not public must fail at once, and load nothing.
    if name not in __all__:
        raise AttributeError(f"module 'cloud' has no attribute {name!r}")
    import importlib

    if not _HOMES[name]:
        return importlib.import_module(f"cloud.{name}")
    module = importlib.import_module(_HOMES[name])
    value = list(module.FINISHED_WORDS) if name == "finished_statuses" else getattr(module, name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
