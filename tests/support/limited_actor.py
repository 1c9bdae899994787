"""Agents on Ray whose limits a test chooses: constants of modules, in the process of the agent."""

import importlib

from cloud.server.agent_actor import AgentActor
from cloud.wire.message import Header


class LimitedActor(AgentActor):
    """It is told its 'limits', by the full name of the constant."""

    def __init__(self, told: Header) -> None:
        for name, value in told.get("limits", {}).items():
            module, _, constant = name.rpartition(".")
            setattr(importlib.import_module(module), constant, value)
        super().__init__(told)
