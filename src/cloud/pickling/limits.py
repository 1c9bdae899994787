"""How much one function, the arguments of one job, or one result may weigh (SPEC D.3)."""

from collections.abc import Iterable
from typing import Any

from cloud.errors import CloudException
from cloud.model import Buffer

MAX_BYTES = 1_000_000_000
"""Our default of `max_transmit_data`."""


class ExcessiveData(CloudException):
    """Something is larger than `max_transmit_data`; the message shows which members make it so."""


def size_of(parts: Iterable[Buffer]) -> int:
    """Bytes of an envelope or a chunk."""
    return sum(part.nbytes if isinstance(part, memoryview) else len(part) for part in parts)


def too_large(
    value: Any, size_bytes: int, max_bytes: int, where: str, *, verb: str = "transmitted", hint: str = ""
) -> ExcessiveData:
    """The error that says so, with a snapshot of the members that take more than a third of it.

    Args:
        value: what was pickled.
        size_bytes: what its pickle takes.
        max_bytes: what is allowed.
        where: what it is, for the message: 'cloud.call: the function square'.
        verb: what was done with it.
        hint: what else to say.
    """
    from cloud.pickling.trace import snapshot

    return ExcessiveData(
        f"{where}: Excessive data ({size_bytes} bytes) {verb}; max_transmit_data allows {max_bytes}.\n"
        f"Snapshot of what is larger than a third of it:\n{snapshot(value, size_bytes // 3)}",
        hint=f"pass the path of a file with the data, or raise cloud.config.max_transmit_data and commit(){hint}",
    )
