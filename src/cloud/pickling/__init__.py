"""Python values to bytes and back: the only place that imports pickle or cloudpickle.

Used by the client and by the runner in a worker, and by nothing else: the server and the agents move bytes unopened.
"""

from cloud.pickling.chunk import Arguments, pack_call, pack_map
from cloud.pickling.envelope import dumps, loads
from cloud.pickling.function import dump_function

__all__ = ["Arguments", "dump_function", "dumps", "loads", "pack_call", "pack_map"]
