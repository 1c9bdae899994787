"""Named types of agents: what a slot of each has."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from cloud.model import CORE_TYPES, Spec
from cloud.wire.message import Header

USUAL = "c1"
"""The type of jobs that name none; there always is one."""


@dataclass(frozen=True, slots=True)
class AgentType:
    """What each slot of such an agent has; a job with `_cores` takes several."""

    cores: float = 1
    memory_bytes: int | None = None
    """Held to: a job whose processes have more ends in error. None: no limit."""
    gpus: float = 0
    slots: int | None = None
    """Of each agent; None, here and below: as the engine has it."""
    least: int | None = None
    """How many agents there always are; None: 0, but for the usual type."""
    most: int | None = None

    def wanted(self, name: str, slots: int) -> Header:
        """What `Lines.start` is told: 'memory' is in bytes for all slots, 'slot_memory' for each."""
        asked: Header = {"type": name, "slots": slots, "cores": slots * self.cores}
        if self.memory_bytes is not None:
            asked |= {"memory": slots * self.memory_bytes, "slot_memory": self.memory_bytes}
        if self.gpus:
            asked |= {"gpus": slots * self.gpus, "slot_gpus": self.gpus}
        return asked


class Kinds:
    """The table of types of an engine.

    Args:
        table: by name; None: there are no types, and jobs of any run on the usual agents.
        slots, least, most: of types that do not say so themselves; `least` of the usual one only.
    """

    def __init__(self, table: Mapping[str, AgentType] | None, *, slots: int, least: int, most: int) -> None:
        self._any = table is None
        self._table = {USUAL: AgentType(), **(table or {})}
        self._slots, self._least, self._most = slots, least, most

    def names(self) -> list[str]:
        """Of all."""
        return list(self._table)

    def of(self, spec: Spec) -> str:
        """The type of agent that these jobs run on."""
        return USUAL if self._any else spec.core_type

    def known(self) -> Collection[str]:
        """What jobs may name."""
        return CORE_TYPES if self._any else tuple(self._table)

    def slots(self, name: str) -> int:
        """Of each agent."""
        return self._table[name].slots or self._slots

    def least(self, name: str) -> int:
        """How many agents there always are; of a type that is no more, none."""
        if name not in self._table:
            return 0
        given = self._table[name].least
        if given is None:
            return self._least if name == USUAL else 0
        return given

    def most(self, name: str) -> int:
        """How many agents there may be."""
        given = self._table[name].most
        return max(self.least(name), self._most if given is None else given)

    def wanted(self, name: str) -> Header:
        """What `Lines.start` is told."""
        return self._table[name].wanted(name, self.slots(name))

    def needs(self, name: str) -> str:
        """What an agent asks a machine for, in words."""
        wanted = self.wanted(name)
        words = [f"{wanted['cores']:g} core{'s' * (wanted['cores'] != 1)}"]
        if "memory" in wanted:
            words.append(f"{int(wanted['memory']) / 1e9:.1f} GB of memory")
        if "gpus" in wanted:
            words.append(f"{wanted['gpus']:g} GPU{'s' * (wanted['gpus'] != 1)}")
        return " and ".join(words)
