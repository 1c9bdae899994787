"""For tests of picloud and of programs that use it: a clock and an engine that do what they are told."""

from cloud.testing.clock import ManualClock
from cloud.testing.engine import ScriptedEngine

__all__ = ["ManualClock", "ScriptedEngine"]
