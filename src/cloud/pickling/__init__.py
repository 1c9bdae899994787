"""Python values to bytes and back: the only place that imports pickle or cloudpickle.

Used by the client and by the runner in a worker, and by nothing else: the server and the agents move bytes unopened.
"""

from cloud.pickling.chunk import ArgumentPicklingError, Arguments, PickedArguments, TooLarge, pack_call, pack_map
from cloud.pickling.envelope import CACHE_TAG, dumps, loads, loads_column
from cloud.pickling.function import dump_function, load_function
from cloud.pickling.keeping import keep, level_that_takes, log_of
from cloud.pickling.limits import MAX_BYTES, ExcessiveData, size_of, too_large
from cloud.pickling.raised import pack_exception
from cloud.pickling.refusal import CannotPickle

__all__ = [
    "CACHE_TAG",
    "MAX_BYTES",
    "ArgumentPicklingError",
    "Arguments",
    "CannotPickle",
    "ExcessiveData",
    "PickedArguments",
    "TooLarge",
    "dump_function",
    "dumps",
    "keep",
    "level_that_takes",
    "load_function",
    "loads",
    "loads_column",
    "log_of",
    "pack_call",
    "pack_exception",
    "pack_map",
    "size_of",
    "too_large",
]
