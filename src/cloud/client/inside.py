"""Whether this code runs inside a job."""

from cloud.wire import worker
from cloud.wire.worker import Channel


def inside_channel() -> Channel | None:
    """The way out of a worker, when this process is one."""
    return worker.CHANNEL
