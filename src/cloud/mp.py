"""The same interface on worker processes of this program: no server, nothing on disk, gone with the program.

    from cloud import mp
    mp.result(mp.map(f, range(1000)))

Inside a job of `cloud.mp` these functions reach the pool that runs the job; inside a job of a server they make a pool
of the job's own, which ends with the job.
"""

import atexit
import logging
from typing import TYPE_CHECKING, Any

from cloud.api import JobApi
from cloud.client import sessions
from cloud.client.session import Session
from cloud.config import setting
from cloud.local import Pool as _Pool
from cloud.model import FINISHED_WORDS
from cloud.wire import worker

if TYPE_CHECKING:
    from cloud.client.asynchronous import Asynchronous
    from cloud.stores.sqlite import SQLiteStore

    aio: Asynchronous

__all__ = [
    "call", "close", "connection_info", "delete", "finished_statuses", "info", "iresult", "iresult_unordered", "join",
    "kill", "map", "output", "rerun", "result", "stack", "status", "why",
]  # fmt: skip

log = logging.getLogger("Cloud.mp")

_numbers: "SQLiteStore | None" = None
"""Where jobs were numbered last, in this program or the one that it was forked from."""


def _open() -> JobApi:
    channel = worker.CHANNEL
    if channel is not None and channel.serves:
        from cloud.client.pipe import PipeApi

        return PipeApi()
    # Numbers go on: users still hold those of a pool that is closed, or that another process has since a fork.
    global _numbers
    first_jid = 1 if _numbers is None else _numbers.next_jid
    pool = _Pool(setting("num_procs"), setting("mp_cache_size_limit"), first_jid=first_jid)
    _numbers = pool.store
    log.info("opened, with %d worker processes", pool.core.slots)
    if channel is not None:
        worker.AT_JOB_END.append(close)  # a pool inside a job must not outlive it
    return pool


def _about(api: JobApi | None) -> dict[str, Any]:
    slots = api.describe()["slots"] if api is not None else setting("num_procs")
    return {"connection_type": "multiprocessing", "server_url": None, "api_key": None, "num_procs": slots}


_session = Session(_open, "mp", where="cloud.mp", about=_about, local=True)
sessions.register("mp", lambda: _session)
atexit.register(_session.close)

call = _session.call
map = _session.map
status = _session.status
join = _session.join
result = _session.result
iresult = _session.iresult
iresult_unordered = _session.iresult_unordered
info = _session.info
output = _session.output
stack = _session.stack
why = _session.why
rerun = _session.rerun
kill = _session.kill
delete = _session.delete
connection_info = _session.connection_info
close = _session.close
finished_statuses = list(FINISHED_WORDS)


def __getattr__(name: str) -> Any:
    if name != "aio":  # loads asyncio
        from cloud.client.other_words import of_module

        raise AttributeError(of_module("cloud.mp", name))
    return globals().setdefault(name, _session.asynchronous)
