"""The reserved keywords of `call` and `map` (`_label`, `_priority`, ...): every check and its message (SPEC B.2).

Everything is checked before anything is sent: a refused keyword leaves no job behind.
"""

import math
import os
import re
import sys
import warnings
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from cloud.client.arguments import read_jids
from cloud.errors import CloudException, InvalidSubmission
from cloud.model import LONGEST_LABEL, Ranges

Callback = Callable[..., object]

CORES_BY_TYPE = {"c1": (1,), "c2": (1, 2, 4, 8), "f2": (1, 2, 4, 8, 16), "m1": (1, 2, 4, 8), "s1": (1,)}
"""Core types that always are, and how many cores of one a job may have (SPEC I.2)."""
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,63}")


class RefusedValue(InvalidSubmission, ValueError):
    """A keyword's value that no server takes; nothing was created."""


class NotCallable(CloudException, TypeError):
    """A callback that cannot be called; nothing was created."""


@dataclass(frozen=True, slots=True)
class Reserved:
    """What the reserved keywords of one `call` or `map` said, checked."""

    callbacks: tuple[Callback, ...] = ()
    callbacks_on_error: tuple[Callback, ...] = ()
    cores: int = 1
    core_type: str = "c1"
    depends_on: Ranges = ()
    depends_on_errors: Literal["abort", "ignore"] = "abort"
    fast_serialization: int = 0
    kill_process: bool = False
    label: str | None = None
    max_runtime_seconds: float | None = None
    os_env_vars: dict[str, str] = field(default_factory=dict)
    priority: int = 5
    profile: bool = False
    restartable: bool = True


NAMES = (
    "_callback", "_callback_on_error", "_cores", "_depends_on", "_depends_on_errors", "_env", "_fast_serialization",
    "_high_cpu", "_kill_process", "_label", "_max_runtime", "_os_env_vars", "_priority", "_profile", "_restartable",
    "_type", "_vol",
)  # fmt: skip
KEYWORDS = """\
Keywords that do not reach the function:
    _label: a name to find the job by.
    _depends_on: jids of jobs that must be done first; _depends_on_errors='ignore': or finished, however they ended.
    _callback, _callback_on_error: called here with the job when it is done, or failed; one or a list.
    _priority: an integer, 5 by default; lower runs earlier.
    _max_runtime: minutes after which the job is killed.
    _cores, _type: how many cores it takes, and of which kind; more than one: _type='c2', _cores=4.
    _restartable: False if it must not run again when its worker or server is lost.
    _os_env_vars: environment variables for it: names, which are copied from here, or a dictionary.
    _profile: True to have cloud.info(jid, 'profile').
    _kill_process: True for a fresh process after it.
    _fast_serialization: 1 or 2 for less care and more speed with arguments and results.
    _env, _high_cpu, _vol: PiCloud's; see docs/reference/api.md, as for all of these.
"""
"""What `help(cloud.call)` says of them."""
_NOTHING = Reserved()


def meant(name: str) -> str | None:
    """The reserved keyword that somebody who wrote `name` may have meant: mistyped, or without its underscore."""
    import difflib

    if not name.startswith("_"):
        return f"_{name}" if f"_{name}" in NAMES else None
    return next(iter(difflib.get_close_matches(name, NAMES, 1)), None)


def take_reserved(keywords: dict[str, Any], where: str, *, kind: str = "", local: bool = False) -> Reserved:
    """Remove the reserved keywords from `keywords` and check them.

    Args:
        keywords: of the user's call; what is left afterwards is meant for the function.
        where: 'cloud.call', for messages.
        kind: of the cloud that was asked.
        local: whether `_env` and `_vol` mean nothing here and are ignored, instead of refused.

    Raises:
        TypeError, ValueError: naming the keyword, as SPEC B.2 says.
        CloudException: for callbacks that are not callable, and for `_env` and `_vol`.
    """
    given = {name: keywords.pop(name) for name in NAMES if name in keywords} if keywords else None
    if not given:
        return _NOTHING
    check = _Checks(where, kind)
    core_type = check.core_type(given.get("_type", "c1"), given.get("_high_cpu"))
    if not local:
        check.absent(given)
    return Reserved(
        callbacks=check.callbacks("_callback", given.get("_callback")),
        callbacks_on_error=check.callbacks("_callback_on_error", given.get("_callback_on_error")),
        cores=check.cores(given.get("_cores", 1), core_type),
        core_type=core_type,
        depends_on=check.depends_on(given.get("_depends_on")),
        depends_on_errors=check.depends_on_errors(given.get("_depends_on_errors", "abort")),
        fast_serialization=check.integer("_fast_serialization", given.get("_fast_serialization", 0), at_least=0),
        kill_process=bool(given.get("_kill_process", False)),
        label=check.label(given.get("_label")),
        max_runtime_seconds=check.max_runtime_seconds(given.get("_max_runtime")),
        os_env_vars=check.os_env_vars(given.get("_os_env_vars")),
        priority=check.integer("_priority", given.get("_priority", 5)),
        profile=bool(given.get("_profile", False)),
        restartable=check.restartable(given.get("_restartable", True)),
    )


class _Checks:
    """One method per kind of keyword; each returns the checked value or raises with the keyword's name."""

    def __init__(self, where: str, kind: str) -> None:
        self.where = where
        self.kind = kind

    def _type_error(self, name: str, wanted: str, value: object) -> TypeError:
        return TypeError(f"{self.where}: {name} must be {wanted}, not {value!r:.200}")

    def integer(self, name: str, value: Any, at_least: int | None = None) -> int:
        if isinstance(value, bool) or not isinstance(value, int):
            raise self._type_error(name, "an integer", value)
        if at_least is not None and value < at_least:
            raise ValueError(f"{self.where}: {name} must be at least {at_least}, got {value}")
        return int(value)

    def core_type(self, value: Any, high_cpu: Any) -> str:
        if high_cpu is not None:
            text = f"{self.where}: _high_cpu is deprecated, use _type='c2'"
            warnings.warn(text, DeprecationWarning, stacklevel=_users_level())
            if high_cpu:
                value = "c2"
        if not isinstance(value, str):
            raise self._type_error("_type", "the name of a core type", value)
        if not _NAME.fullmatch(value):
            raise RefusedValue(f"{self.where}: _type is {value!r}; expected a name like: {', '.join(CORES_BY_TYPE)}")
        return value  # the server knows which others there are

    def cores(self, value: Any, core_type: str) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or value < 1:
            raise self._type_error("_cores", "a positive integer", value)
        allowed = CORES_BY_TYPE.get(core_type)
        if allowed is not None and value not in allowed:
            choices = ", ".join(map(str, allowed))
            others = ", ".join(f"_type={name!r}" for name, cores in CORES_BY_TYPE.items() if value in cores)
            raise RefusedValue(
                f"{self.where}: _cores={value} is not available with _type={core_type!r}, which has: {choices}"
                + (f"; it is with {others}" if others else "")
            )
        return int(value)

    def callbacks(self, name: str, value: Any) -> tuple[Callback, ...]:
        if value is None:
            return ()
        if callable(value):
            return (value,)
        if isinstance(value, (str, bytes)) or not isinstance(value, Iterable):
            raise NotCallable(f"{self.where}: {name}: All callbacks must be callable, {value!r:.80} is not")
        callbacks = tuple(value)
        for position, callback in enumerate(callbacks, 1):
            if not callable(callback):
                raise NotCallable(
                    f"{self.where}: {name}: All callbacks must be callable, number {position} ({callback!r:.80}) is not"
                )
        return callbacks

    def depends_on(self, value: Any) -> Ranges:
        if value is None:
            return ()
        try:
            return read_jids(value, self.kind)[0]
        except (TypeError, ValueError) as error:
            raise type(error)(f"{self.where}: _depends_on: {error}") from None

    def depends_on_errors(self, value: Any) -> Literal["abort", "ignore"]:
        if not isinstance(value, str):
            raise self._type_error("_depends_on_errors", "'abort' or 'ignore'", value)
        if value == "abort":
            return "abort"
        if value == "ignore":
            return "ignore"
        raise ValueError(f"{self.where}: _depends_on_errors must be 'abort' or 'ignore', not {value!r:.80}")

    def label(self, value: Any) -> str | None:
        if value is not None and not isinstance(value, str):
            raise self._type_error("_label", "text", value)
        if value is not None and len(value) > LONGEST_LABEL:
            raise ValueError(f"{self.where}: _label has {len(value):,} characters; at most {LONGEST_LABEL:,} may be")
        return value

    def max_runtime_seconds(self, value: Any) -> float | None:
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise self._type_error("_max_runtime", "a number of minutes", value)
        if not 0 < value < math.inf:
            raise ValueError(f"{self.where}: _max_runtime must be a positive number of minutes, not {value}")
        return 60.0 * value

    def os_env_vars(self, value: Any) -> dict[str, str]:
        if value is None:
            return {}
        wanted = "a dict, or an iterable of names of environment variables"
        if isinstance(value, (str, bytes)) or not isinstance(value, Iterable):
            raise self._type_error("_os_env_vars", wanted, value)
        names = list(value)
        for name in names:
            if not isinstance(name, str):
                raise self._type_error("_os_env_vars", f"{wanted}, all of them text", name)
            if not name or "=" in name or "\0" in name:
                raise ValueError(
                    f"{self.where}: _os_env_vars: {name!r:.80} cannot be the name of an environment variable"
                )
        if not isinstance(value, Mapping):
            return {name: os.environ[name] for name in names if name in os.environ}
        for name, text in value.items():
            if not isinstance(text, str):
                raise self._type_error(f"_os_env_vars[{name!r}]", "text", text)
        return dict(value)

    def restartable(self, value: Any) -> bool:
        if not isinstance(value, bool):
            raise self._type_error("_restartable", "True or False", value)
        return value

    def absent(self, given: Mapping[str, Any]) -> None:
        """`_env` and `_vol` are known names of things that this version does not have."""
        for name, noun in (("_env", "environments"), ("_vol", "volumes")):
            value = given.get(name)
            if value is None or value in ("", [], ()):
                continue
            if not isinstance(value, str) and (name == "_env" or not all(isinstance(v, str) for v in _listed(value))):
                raise self._type_error(name, "text" if name == "_env" else "text or a list of texts", value)
            raise InvalidSubmission(
                f"{self.where}: {name}={value!r:.80} cannot be used: this version of picloud has no {noun} yet",
                hint=f"leave {name} out: jobs on this machine see the packages and files that your program sees",
            )


def _users_level() -> int:
    """The `stacklevel` with which a warning of our caller points to the user's line."""
    ours = os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep
    level, frame = 1, sys._getframe(1)
    while frame.f_back is not None and frame.f_code.co_filename.startswith(ours):
        level, frame = level + 1, frame.f_back
    return level


def _listed(value: Any) -> Iterable[Any]:
    return value if isinstance(value, (list, tuple, set, frozenset)) else [value]
