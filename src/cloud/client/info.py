"""`cloud.info`: fields in, a dict of dicts keyed by jid out, with datetimes and values opened (SPEC B.5)."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

from cloud import pickling
from cloud.api import INFO_FIELDS, JobApi
from cloud.model import Ranges

DEFAULT_FIELDS = ("stdout", "stderr", "status", "runtime")
DOTTED_FIELDS = {
    "memory": ("usage", "max_usage", "failcnt"),
    "swap": ("usage", "max_usage"),
    "disk": ("usage",),
    "cputime": ("user", "system"),
}
"""Parts that can be requested singly, as 'memory.usage'; those of swap and disk are kept with memory's."""
_KEPT_IN_MEMORY = ("swap", "disk")
_TIMES = ("created", "started", "finished")
_TEXTS = ("stdout", "stderr")
_JIDS_AT_ONCE = 1000

Fields = str | Iterable[str] | None


def read_fields(requested: Fields, where: str) -> list[str]:
    """The fields asked for; None means the usual four, 'all' all.

    Raises:
        TypeError: one is not a string.
        ValueError: one is not known.
    """
    if requested is None:
        return list(DEFAULT_FIELDS)
    if isinstance(requested, str):
        requested = [requested]
    given: object = requested
    if isinstance(given, (bytes, bytearray)) or not isinstance(given, Iterable):
        raise TypeError(f"{where}: info_requested must be a string or strings, not {requested!r:.80}")
    fields: dict[str, None] = {}
    for name in requested:
        if not isinstance(name, str):
            raise TypeError(f"{where}: info_requested must be strings, {name!r:.80} is not one")
        if name == "all":
            fields.update(dict.fromkeys(INFO_FIELDS))
        elif name in INFO_FIELDS or name.partition(".")[2] in DOTTED_FIELDS.get(name.partition(".")[0], ()):
            fields[name] = None
        else:
            raise ValueError(f"{where}: there is no {name!r}; it may be 'all' or any of: {', '.join(INFO_FIELDS)}")
    return list(fields)


def read_info(api: JobApi, jids: Ranges, fields: Sequence[str]) -> dict[int, dict[str, Any]]:
    """What is known of each job, keyed by jid in the order given."""
    asked = list(dict.fromkeys(_kept_as(name.partition(".")[0]) for name in fields))
    answer: dict[int, dict[str, Any]] = {}
    for part in _slices(jids):
        found = api.info(part, asked)
        numbers = [jid for item in part for jid in item]
        for jid, raw in zip(numbers, found, strict=True):
            answer[jid] = {name: _value(name, raw) for name in fields}
    return answer


def _kept_as(noun: str) -> str:
    return "memory" if noun in _KEPT_IN_MEMORY else noun


def _slices(jids: Ranges) -> Iterable[Ranges]:
    """Not more than a thousand jobs in a request: their output may be long."""
    part: list[range] = []
    room = _JIDS_AT_ONCE
    for item in jids:
        rest = item
        while rest:
            part.append(rest[:room])
            rest = rest[room:]
            room -= len(part[-1])
            if not room:
                yield tuple(part)
                part, room = [], _JIDS_AT_ONCE
    if part:
        yield tuple(part)


def _value(name: str, raw: dict[str, Any]) -> Any:
    noun, _, detail = name.partition(".")
    value = raw.get(_kept_as(noun))
    if detail:
        if not isinstance(value, dict):
            return None
        return value.get(f"{noun}.{detail}", value.get(detail))
    if name in _TEXTS:
        return value if isinstance(value, str) else bytes(value or b"").decode("utf-8", "replace")
    if value is None:
        return None
    if name in _TIMES:
        return datetime.fromtimestamp(value, UTC).replace(tzinfo=None)
    if name in ("args", "kwargs"):
        chunk = pickling.Arguments(value["chunk"])
        return chunk[value["index"] - value["first"]][name == "kwargs"]
    if name == "profile" and isinstance(value, dict):
        return value.get("text")
    if name == "func_object":
        return pickling.load_function(value)
    return value
