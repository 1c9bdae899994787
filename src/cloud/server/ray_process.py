"""The process that talks to a Ray cluster for a server, as `engines.fleet.apart` starts it."""

import contextlib
import io
import logging
import os
import re
import socket
import sys

from cloud.engines.fleet.pipe import Pipe
from cloud.wire.message import Header

log = logging.getLogger("Cloud.ray")

_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
_MOST_CHARACTERS = 300
_LAST_WORDS_SECONDS = 2.0


class RayPrints(io.TextIOBase):
    """Standard output and error of a process in which Ray prints news of its cluster, for people at a terminal: each
    becomes a line of the log, in the server's format. Of long stories, the first line."""

    def write(self, text: str) -> int:
        """`print` hands over a whole piece of news at once."""
        said = _COLOUR.sub("", text).strip().partition("\n")[0]
        if said:
            with contextlib.suppress(Exception):  # the server is gone; Ray's threads need not know
                log.info("Ray says: %s", said[:_MOST_CHARACTERS])
        return len(text)

    def writable(self) -> bool:
        """Always."""
        return True

    def fileno(self) -> int:
        """Where C code writes, and the interpreter when it dies."""
        return 2


def main() -> None:
    """The one argument is the number of a socket to the server."""
    pipe = Pipe(socket.socket(fileno=int(sys.argv[1])))
    from cloud.engines.ray.clerk import Clerk, LogByPipe
    from cloud.engines.ray.door import ask_in
    from cloud.engines.ray.lines import RayLines
    from cloud.server.agent_actor import AgentActor
    from cloud.server.composition import answers

    logging.getLogger("Cloud").setLevel(logging.INFO)
    logging.getLogger("Cloud").addHandler(LogByPipe(pipe))
    sys.stdout, sys.stderr = RayPrints(), RayPrints()

    def join(told: Header) -> RayLines:
        answers(told["address"])
        ask_in(told["address"])
        return RayLines(
            AgentActor, told["address"], told["namespace"], told["server"], told["agents"], epoch=told["epoch"]
        )

    try:
        Clerk(pipe, join).serve()
    finally:
        pipe.close()
        pipe.drain(_LAST_WORDS_SECONDS)
        _end_ray()
    sys.stdout.flush()
    os._exit(0)  # Ray's threads are in nobody's way


def _end_ray() -> None:
    import ray

    if ray.is_initialized():
        ray.shutdown()  # with the cluster, if it was started here


if __name__ == "__main__":
    main()
