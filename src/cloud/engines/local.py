"""The local engine: an agent in this process, whose workers are processes of this machine."""

from cloud.agent.agent import Agent


class LocalEngine(Agent):
    """`Engine` on an in-process `Agent`: nothing lies between them, so nothing is added. It must be used in one thread
    at a time. `abandon` ends it; if its process dies, its workers die by themselves."""
