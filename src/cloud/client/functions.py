"""`cloud.call`, `cloud.map`, ...: each looks up the active session when it is called."""

import inspect
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Literal, overload

from cloud.client import sessions
from cloud.client.arguments import Jids
from cloud.client.info import Fields
from cloud.client.inside import inside_channel
from cloud.client.iteration import ResultIterator
from cloud.client.jobs import Job, Jobs
from cloud.client.reserved import KEYWORDS
from cloud.client.session import Session
from cloud.client.terse import tersely


@tersely
def call(function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Job:
    return sessions.active().call(function, *args, **kwargs)


@tersely
def map(function: Callable[..., Any], /, *sequences: Iterable[Any], **reserved: Any) -> Jobs:
    return sessions.active().map(function, *sequences, **reserved)


@tersely
def join(
    jids: Jids,
    timeout: float | None = None,
    ignore_errors: bool = False,
    deadlock_check: bool = True,
    *,
    progress: bool | None = None,
) -> None:
    sessions.active().join(jids, timeout, ignore_errors, deadlock_check, progress=progress)


@tersely
def result(
    jids: Jids,
    timeout: float | None = None,
    ignore_errors: bool = False,
    deadlock_check: bool = True,
    *,
    progress: bool | None = None,
) -> Any:
    return sessions.active().result(jids, timeout, ignore_errors, deadlock_check, progress=progress)


@tersely
def iresult(
    jids: Jids,
    timeout: float | None = None,
    num_in_parallel: int = 4,
    ignore_errors: bool = False,
    *,
    progress: bool | None = None,
) -> ResultIterator:
    return sessions.active().iresult(jids, timeout, num_in_parallel, ignore_errors, progress=progress)


@tersely
def iresult_unordered(
    jids: Jids, timeout: float | None = None, ignore_errors: bool = False, *, progress: bool | None = None
) -> Iterator[tuple[Job, Any]]:
    return sessions.active().iresult_unordered(jids, timeout, ignore_errors, progress=progress)


@overload
def status(jids: int) -> str: ...
@overload
def status(jids: Iterable[int | range]) -> list[str]: ...
@tersely
def status(jids: Jids) -> str | list[str]:
    return sessions.active().status(jids)


@tersely
def info(jids: Jids, info_requested: Fields = None) -> dict[int, dict[str, Any]]:
    return sessions.active().info(jids, info_requested)


@overload
def output(jid: int, stream: str = "stdout", *, follow: Literal[False] = False) -> str: ...
@overload
def output(jid: int, stream: str = "stdout", *, follow: Literal[True]) -> Iterator[str]: ...
@tersely
def output(jid: int, stream: str = "stdout", *, follow: bool = False) -> str | Iterator[str]:
    return sessions.active().output(jid, stream, follow=True) if follow else sessions.active().output(jid, stream)


@tersely
def why(jid: int) -> str:
    return sessions.active().why(jid)


@overload
def rerun(jids: int) -> Job: ...
@overload
def rerun(jids: Jobs) -> Jobs: ...
@overload
def rerun(jids: Iterable[int | range]) -> Jobs | list[Jobs]: ...
@tersely
def rerun(jids: Jids) -> Job | Jobs | list[Jobs]:
    return sessions.active().rerun(jids)


@tersely
def stack(jid: int) -> str:
    return sessions.active().stack(jid)


@tersely
def kill(jids: Jids | None = None, *, force: bool = False) -> None:
    sessions.active().kill(jids, force=force)


@tersely
def delete(jids: Jids) -> None:
    sessions.active().delete(jids)


@tersely
def connection_info() -> dict[str, Any]:
    return sessions.active().connection_info()


@tersely
def close() -> bool:
    return sessions.active().close()


def is_simulated() -> bool:
    """Whether `cloud` is the simulator."""
    return sessions.active().kind == "simulated"


def running_on_cloud() -> bool:
    """Whether this code runs in a job of a server; not so in jobs of `cloud.mp`."""
    channel = inside_channel()
    return channel is not None and not channel.serves


for _function in (
    call,
    map,
    join,
    result,
    iresult,
    iresult_unordered,
    status,
    info,
    output,
    stack,
    why,
    rerun,
    kill,
    delete,
    connection_info,
    close,
):
    _function.__doc__ = inspect.cleandoc(getattr(Session, _function.__name__).__doc__ or "")
for _function in (call, map):
    _function.__doc__ = f"{_function.__doc__}\n\n{KEYWORDS}"
