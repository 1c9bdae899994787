"""JobApi from inside a job of `cloud.mp`: requests go through the worker's pipe to the program that runs it."""

from collections.abc import Sequence

from cloud.client.remote import RemoteApi
from cloud.errors import ServerUnavailable
from cloud.model import Buffer
from cloud.wire import worker


class PipeApi(RemoteApi):
    """The pool that runs this job. Any number of threads of the job may ask at once."""

    inside = True

    def exchange(self, op: str, parts: Sequence[Buffer], held_seconds: float = 0.0) -> bytearray:
        """See `RemoteApi`."""
        channel = worker.CHANNEL
        if channel is None:
            raise ServerUnavailable(f"{op}: this process is not a worker of cloud.mp, so it has no pipe to ask through")
        return channel.request(parts)
