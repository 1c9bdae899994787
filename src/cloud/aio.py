"""The same for `async` code: what waits is awaited, and what takes time happens in another thread.

    from cloud import aio
    jobs = await aio.map(f, range(1000))
    async for value in aio.iresult(jobs): ...

Handles of `cloud.mp` and of `cloud` are both understood; `cloud.mp.aio` starts jobs there.
"""

from cloud.client import sessions
from cloud.client.asynchronous import Asynchronous, AsyncResults

__all__ = [
    "AsyncResults", "call", "delete", "info", "iresult", "iresult_unordered", "join", "kill", "map", "output", "rerun",
    "result", "stack", "status", "why",
]  # fmt: skip

_cloud = Asynchronous(sessions.active)

call = _cloud.call
map = _cloud.map
join = _cloud.join
result = _cloud.result
iresult = _cloud.iresult
iresult_unordered = _cloud.iresult_unordered
status = _cloud.status
info = _cloud.info
kill = _cloud.kill
delete = _cloud.delete
output = _cloud.output
why = _cloud.why
stack = _cloud.stack
rerun = _cloud.rerun
