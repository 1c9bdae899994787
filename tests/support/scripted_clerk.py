"""A process that says it has joined a cluster, and answers late: `python -m tests.support.scripted_clerk FD`."""

import socket
import sys

from cloud.engines.fleet.pipe import Pipe


def main() -> None:
    pipe = Pipe(socket.socket(fileno=int(sys.argv[1])))
    first = pipe.read()
    assert first is not None
    if first[0]["resume"] is None:
        pipe.send({"op": "opened", "here": [], "late": []})
    else:
        pipe.send({"op": "opened", "gone": []})
    late = None
    while (said := pipe.read()) is not None:
        header, _ = said
        if header["op"] == "take":
            late = header
        elif header["op"] == "end" and late is not None:  # now it is too late
            pipe.send({"op": "answer", "id": late["id"], "here": late["names"], "late": []}, [b"hello"])
        elif header["op"] == "end":
            sys.exit("told to end")
    pipe.close()


if __name__ == "__main__":
    main()
