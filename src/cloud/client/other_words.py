"""Names that other libraries have for what is here, so that somebody who types one is told ours."""

from typing import Any

_STARTS = "cloud.call(f, x) starts a job, cloud.map(f, xs) many"
_WAITS = "cloud.join(jids) waits for all of them, next(cloud.iresult_unordered(jids)) for the first"
_FETCHES = "cloud.result(jids) waits for what jobs return, and returns it"
_MODULE = {
    **dict.fromkeys(
        ("submit", "remote", "delayed", "spawn", "run", "task", "function", "apply", "apply_async"), _STARTS
    ),
    **dict.fromkeys(("get", "gather", "compute"), _FETCHES),
    **dict.fromkeys(("init", "Client", "App", "connect"), f"nothing has to be started or connected: {_STARTS}"),
    **dict.fromkeys(("as_completed", "imap_unordered"), "cloud.iresult_unordered(jids)"),
    **dict.fromkeys(("cancel", "revoke", "terminate"), "cloud.kill(jids)"),
    **dict.fromkeys(("logs", "log"), "cloud.output(jid)"),
    "wait": _WAITS,
    "imap": "cloud.iresult(cloud.map(f, xs))",
    "starmap": "cloud.map(f, *zip(*tuples))",
    "retry": "cloud.rerun(jids)",
    "Pool": "cloud.pool_interface.Pool is that of multiprocessing",
    "jobs": "`picloud jobs` lists them, and cloud.Job(jid) is one of them",
    "dashboard": "`picloud dashboard` opens it",
    "put": "cloud.files.put(path)",
    "bucket": "cloud.files",
    "cron": "a line `0 3 * * * picloud exec COMMAND` in `crontab -e`",
}
_HANDLES = {
    **dict.fromkeys(("get", "compute", "value", "results"), "result()"),
    **dict.fromkeys(("done", "ready", "finished", "running", "cancelled", "successful", "state"), "status"),
    **dict.fromkeys(("cancel", "revoke", "terminate", "abort"), "kill()"),
    **dict.fromkeys(("exception", "error", "traceback"), "info('exception')"),
    **dict.fromkeys(
        ("id", "ids", "job_id", "task_id", "jids"), "the handle itself is the number: int(job), list(jobs)"
    ),
    **dict.fromkeys(("logs", "log"), "output()"),
    "wait": "join()",
    "retry": "rerun()",
    "add_done_callback": "the keyword _callback of cloud.call and cloud.map",
}


def of_module(module: str, name: str) -> str:
    """What an AttributeError of `cloud` or `cloud.mp` says."""
    hint = _MODULE.get(name)
    return f"module {module!r} has no attribute {name!r}" + (f": {hint}" if hint else "")


def unknown(handle: object, name: str) -> Any:
    """`__getattr__` of handles.

    Raises:
        AttributeError: always.
    """
    hint = _HANDLES.get(name)
    raise AttributeError(
        f"{type(handle).__name__!r} object has no attribute {name!r}" + (f": {hint}" if hint else ""),
        name=name,
        obj=handle,
    )
