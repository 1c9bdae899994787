"""The interpreter and surroundings a job wants: its client's, when both are on one machine (DESIGN D13, D15)."""

import hashlib
import json
from dataclasses import dataclass, field
from functools import cached_property


@dataclass(frozen=True)
class Environment:
    """Where a pickled function can be opened and how it expects to find the world.

    A function pickled under one `cache_tag` crashes another interpreter, so a job only ever goes to a worker with
    the same tag. The other fields name the client's interpreter and surroundings; they count only on `machine`.
    """

    cache_tag: str
    """`sys.implementation.cache_tag`, for example 'cpython-311'."""
    machine: str = ""
    """Identity of the client's machine and user; empty: nothing below is known."""
    executable: str = ""
    """`sys.executable` of the client."""
    path: tuple[str, ...] = ()
    """`sys.path` of the client, absolute."""
    directory: str = ""
    """Working directory of the client; empty: a fresh temporary one."""
    variables: dict[str, str] = field(default_factory=dict)
    """Variables of the client that say what is found where, and how libraries behave (PATH, OMP_NUM_THREADS, ...)."""
    code_version: str = ""
    """Digest of the user modules that travelled with the job; empty: none."""

    @cached_property
    def key(self) -> str:
        """Equal keys may share a worker process. Remembered: every offer to an engine asks for it."""
        variables = sorted(self.variables.items())
        values = (
            self.cache_tag, self.machine, self.executable, self.path, self.directory, variables, self.code_version
        )  # fmt: skip
        return hashlib.sha256(json.dumps(values).encode()).hexdigest()[:32]
