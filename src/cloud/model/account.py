"""Accounts: whose jobs, files and keys are whose, and how much of them there may be."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields

FIRST_ACCOUNT = 1
"""The one that a server makes at its first start; always an administrator's."""


@dataclass(frozen=True, slots=True)
class Allowance:
    """How much an account may have at a time. None: without limit."""

    slots: int | None = None
    """Of the slots of all workers."""
    queued_jobs: int | None = None
    """Jobs that no worker has taken yet, waiting ones among them."""
    stored_bytes: int | None = None
    """Arguments, results and output of jobs, and files."""
    files: int | None = None
    """Files of `cloud.files`."""

    def changed(self, limits: Mapping[str, int | None]) -> "Allowance":
        """With these instead."""
        return Allowance(**{name: limits.get(name, getattr(self, name)) for name in LIMITS})


LIMITS = tuple(f.name for f in fields(Allowance))
"""Names of the limits there are."""


@dataclass(frozen=True, slots=True)
class Account:
    """What a server knows of an account."""

    number: int
    name: str = ""
    """For people; '' for one that has none."""
    administrator: bool = False
    """Sees all accounts, and makes and changes them."""
    active: bool = True
    """Whether its keys open anything."""
    limits: Mapping[str, int | None] = field(default_factory=dict)
    """Those that were set for it alone; all others are the server's defaults."""

    @property
    def title(self) -> str:
        """The name, else the number."""
        return self.name or f"account {self.number}"
