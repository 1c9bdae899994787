"""Jobs of an agent that its server follows: see `dispatch.ports.Engine.follow`."""

from typing import Any

from cloud.agent.agent import Agent


class Followed:
    """Here word that a job is followed comes later than the server looked at it."""

    def __init__(self, agent: Agent) -> None:
        self._agent = agent
        self._missed: set[tuple[int, int]] = set()

    def follow(self, sid: int, index: int, seen: list[Any] | None) -> None:
        """
        Args:
            seen: the stream that the server looked at, and how far: what the job said since is news already.
        """
        said = None if seen is None else self._agent.said(sid, index, seen[0], seen[1], 1)
        if said is not None and said.data:
            self._missed.add((sid, index))
        else:
            self._agent.follow(sid, index)

    def heard(self) -> set[tuple[int, int]]:
        """Those that have said something."""
        heard, self._missed = {*self._agent.heard(), *self._missed}, set()
        return heard
