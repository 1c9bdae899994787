"""The local engine: an agent in this process, whose workers are processes of this machine."""

from collections.abc import Collection, Sequence

from cloud.agent.agent import Agent
from cloud.dispatch.ports import Claim
from cloud.model import Ranges, Spec


class LocalEngine(Agent):
    """`Engine` on an in-process `Agent`: nothing lies between them, so nothing is added. It must be used in one thread
    at a time. `abandon` ends it; if its process dies, its workers die by themselves."""

    survives = False
    spreads = False

    def pool(self, spec: Spec) -> str:
        """All slots are alike."""
        del spec
        return ""

    def stored(self) -> None:
        """What happened here is remembered by nobody else anyway."""

    def adopt(self, claims: Sequence[Claim]) -> dict[int, Ranges]:
        """Nothing outlives this engine."""
        return {}

    def taken_over(self) -> Collection[str]:
        """There is one agent, and it begins with us."""
        return ()
