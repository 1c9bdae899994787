"""The process that talks to a Ray cluster for a server, as `engines.fleet.apart` starts it."""

import logging
import os
import socket
import sys

from cloud.engines.fleet.pipe import Pipe
from cloud.wire.message import Header


def main() -> None:
    """The one argument is the number of a socket to the server."""
    pipe = Pipe(socket.socket(fileno=int(sys.argv[1])))
    from cloud.engines.ray.clerk import Clerk, LogByPipe
    from cloud.engines.ray.lines import RayLines
    from cloud.server.agent_actor import AgentActor
    from cloud.server.composition import answers

    logging.getLogger("Cloud").setLevel(logging.INFO)
    logging.getLogger("Cloud").addHandler(LogByPipe(pipe))

    def join(told: Header) -> RayLines:
        answers(told["address"])
        return RayLines(
            AgentActor, told["address"], told["namespace"], told["server"], told["agents"], epoch=told["epoch"]
        )

    try:
        Clerk(pipe, join).serve()
    finally:
        pipe.close()
        _end_ray()
    sys.stdout.flush()
    os._exit(0)  # Ray's threads are in nobody's way


def _end_ray() -> None:
    import ray

    if ray.is_initialized():
        ray.shutdown()  # with the cluster, if it was started here


if __name__ == "__main__":
    main()
