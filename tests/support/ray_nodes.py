"""A Ray cluster of several nodes, each a tree of processes that a test can kill, stop and let go on."""

import json
import os
import signal
import subprocess
import sys
import tempfile
from contextlib import suppress
from importlib.util import find_spec

from tests.support import processes
from tests.support.required import require_or_skip

PROGRAM = """
import json, sys
from ray.cluster_utils import Cluster

count, cores, port = map(int, sys.argv[1:])
cluster = Cluster()
head = cluster.add_node(num_cpus=0, include_dashboard=False, gcs_server_port=port)
nodes = [cluster.add_node(num_cpus=cores) for _ in range(count)] + [head]
pids = [[info.process.pid for infos in node.all_processes.values() for info in infos] for node in nodes]
print(json.dumps([cluster.address, pids]), flush=True)
sys.stdin.read()
cluster.shutdown()
"""


HEAD = -1


class Nodes:
    """A head without cores, node `HEAD`, and nodes with some.

    Args:
        count, cores: nodes, and cores of each; more than the machine has, for what tests start mostly sleeps.
        port: of the head; 0: any.
        settings: of Ray.
    """

    def __init__(self, count: int, cores: int, port: int = 0, **settings: int | str) -> None:
        if find_spec("ray") is None:
            require_or_skip("Ray is not installed: pip install 'picloud[ray]'")
        self._folder = tempfile.TemporaryDirectory(prefix="ray-", ignore_cleanup_errors=True)
        os.mkdir(os.path.join(self._folder.name, "ray"))
        self._keeper = subprocess.Popen(
            [sys.executable, "-W", "ignore", "-c", PROGRAM, str(count), str(cores), str(port)],
            env={
                **os.environ, "RAY_TMPDIR": self._folder.name,
                **{f"RAY_{name}": str(value) for name, value in settings.items()},
            },
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
        )  # fmt: skip
        assert self._keeper.stdout is not None
        said = self._keeper.stdout.readline()
        if not said:
            self._keeper.communicate("")
            self._folder.cleanup()
            raise RuntimeError("the Ray cluster did not start")
        self.address, self._roots = json.loads(said)
        """What joins it."""

    def pids(self, node: int) -> set[int]:
        """All processes of a node that live."""
        roots = {pid for pid in self._roots[node] if processes.command_line(pid)}
        return roots.union(*(processes.descendants(pid) for pid in roots))

    def signal(self, node: int, number: signal.Signals) -> set[int]:
        """To each process of a node, and to those that start meanwhile; returns which these are."""
        reached: set[int] = set()
        while left := self.pids(node) - reached:
            for pid in left:
                with suppress(ProcessLookupError):
                    os.kill(pid, number)
            reached |= left
        return reached

    def close(self) -> None:
        """End all."""
        for node in range(len(self._roots)):
            self.signal(node, signal.SIGCONT)
        self._keeper.communicate("")
        self._folder.cleanup()
