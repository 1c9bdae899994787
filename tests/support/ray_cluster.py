"""A real Ray of this machine, started once for all tests of a process."""

import tempfile
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.support.required import require_or_skip

if TYPE_CHECKING:
    from cloud.engines.ray.lines import RayLines

_LOCAL = {"num_cpus": 8, "object_store_memory": 200 << 20}
"""More cores than there are: what tests start mostly sleeps."""
_folder: "tempfile.TemporaryDirectory[str] | None" = None


def ray_lines(namespace: str, blobs: Path, machine: str | None = None, **told: Any) -> "RayLines":
    """Lines to agents in a namespace of their own, on a folder that all of them see."""
    global _folder
    if find_spec("ray") is None:
        require_or_skip("Ray is not installed: pip install 'picloud[ray]'")
    from cloud.engines.ray.lines import RayLines
    from tests.support.limited_actor import LimitedActor

    local: dict[str, Any] = {}
    if _folder is None:
        _folder = tempfile.TemporaryDirectory(prefix="ray-", ignore_cleanup_errors=True)
        local = {**_LOCAL, "_temp_dir": _folder.name}
    return RayLines(LimitedActor, "", namespace, "here", {"blobs": str(blobs), "machine": machine, **told}, local=local)


def names_of_agents(namespace: str) -> list[str]:
    """Of those that are there, and those that Ray has no room for."""
    import ray.util

    found = ray.util.list_named_actors(all_namespaces=True)
    return sorted(about["name"] for about in found if about["namespace"] == namespace)


def end_agents(namespace: str) -> None:
    """Kill all agents of a namespace, as the end of their machines would."""
    import ray

    for name in names_of_agents(namespace):
        try:
            ray.kill(ray.get_actor(name, namespace))
        except ValueError:
            continue


def shut_down() -> None:
    """At the end of the run: nothing of it stays, if it was started."""
    global _folder
    if _folder is not None:
        import ray

        ray.shutdown()
        _folder.cleanup()
        _folder = None
