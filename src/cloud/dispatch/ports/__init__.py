"""What the core needs from the world: Store, Blobs, Engine, Clock. The contracts are here; adapters only keep them."""

from cloud.dispatch.ports.blobs import Blobs, BlobWriter
from cloud.dispatch.ports.clock import Clock
from cloud.dispatch.ports.engine import (
    AgentState,
    Blocked,
    Engine,
    EngineState,
    Event,
    Finished,
    Live,
    Lost,
    Reply,
    Returned,
    Said,
    Seat,
    Served,
    Stack,
    Wanted,
    Work,
    WorkerState,
)
from cloud.dispatch.ports.places import Claim, Glance, Listed, Loss, Pending
from cloud.dispatch.ports.signals import Kill, News, Signals
from cloud.dispatch.ports.store import Store

__all__ = [
    "AgentState",
    "BlobWriter",
    "Blobs",
    "Blocked",
    "Claim",
    "Clock",
    "Engine",
    "EngineState",
    "Event",
    "Finished",
    "Glance",
    "Kill",
    "Listed",
    "Live",
    "Loss",
    "Lost",
    "News",
    "Pending",
    "Reply",
    "Returned",
    "Said",
    "Seat",
    "Served",
    "Signals",
    "Stack",
    "Store",
    "Wanted",
    "Work",
    "WorkerState",
]
