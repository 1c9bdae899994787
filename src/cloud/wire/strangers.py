"""What came from outside, checked: a value of the wrong kind would fail later, in the queue, among others' jobs."""

import json
import math
from collections.abc import Callable
from typing import Any

from cloud.errors import InvalidSubmission
from cloud.model import LONGEST_LABEL, Buffer, Environment, Spec

MOST_CHARACTERS = 2 << 20
"""Of all texts of a spec together: more than an operating system takes as variables."""
LONGEST_TOKEN = 200
LARGEST = 1 << 31
"""No number of a spec, and no submission, is larger: jids have room for thousands of millions of such submissions."""


def checked(spec: Spec) -> Spec:
    """The spec, when each value is of the kind that its type says.

    Raises:
        ValueError: naming the first that is not.
        InvalidSubmission: there is too much of it.
    """
    for name, fits in _SPEC.items():
        if not fits(getattr(spec, name)):
            raise ValueError(f"{name} of the submission cannot be {getattr(spec, name)!r:.200}")
    if spec.label is not None and len(spec.label) > LONGEST_LABEL:
        raise InvalidSubmission(f"a label of {len(spec.label):,} characters: at most {LONGEST_LABEL:,} may be")
    length = len(spec.function_name) + len(spec.datalog)
    for texts in (spec.os_env_vars, spec.client):
        length += sum(len(name) + len(text) for name, text in texts.items())
    if length > MOST_CHARACTERS:
        raise InvalidSubmission(
            f"names, environment variables and what else is told of these jobs have {length:,} characters: "
            f"at most {MOST_CHARACTERS:,} may be"
        )
    return spec


def token_in(value: Any) -> str:
    """The value, when it can be a client's token.

    Raises:
        ValueError: it cannot.
    """
    if not isinstance(value, str) or not 1 <= len(value) <= LONGEST_TOKEN or not value.isprintable():
        raise ValueError(f"{value!r:.50} is no token: 1 to {LONGEST_TOKEN} characters that can be seen")
    return value


def checked_environment(environment: Environment) -> Environment:
    """As `checked`."""
    for name, fits in _ENVIRONMENT.items():
        if not fits(getattr(environment, name)):
            raise ValueError(f"{name} of the environment cannot be {getattr(environment, name)!r:.200}")
    return environment


def shown_in(value: Any) -> tuple[str, ...]:
    """The value, when it can be `shown_arguments`.

    Raises:
        ValueError: it cannot.
        InvalidSubmission: there is too much of it.
    """
    if not _are_texts(value):
        raise ValueError(f"shown_arguments of the submission cannot be {value!r:.200}")
    if (length := sum(map(len, value))) > MOST_CHARACTERS:
        raise InvalidSubmission(f"arguments are shown with {length:,} characters: at most {MOST_CHARACTERS:,} may be")
    return tuple(value)


def whole_number(value: Any) -> int:
    """The value, when it is an integer from 0 to `LARGEST`.

    Raises:
        ValueError: it is not.
    """
    if not _is_number(value):
        raise ValueError(f"{value!r:.200} is not a number from 0 to {LARGEST}")
    return int(value)


def _is_number(value: Any) -> bool:
    return type(value) is int and 0 <= value <= LARGEST


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _is_flag(value: Any) -> bool:
    return isinstance(value, bool)


def _are_texts(value: Any) -> bool:
    return isinstance(value, (tuple, list)) and all(isinstance(item, str) for item in value)


def _is_dict_of_texts(value: Any) -> bool:
    return isinstance(value, dict) and all(isinstance(k, str) and isinstance(v, str) for k, v in value.items())


def _is_duration(value: Any) -> bool:
    return value is None or (type(value) in (int, float) and math.isfinite(value))


_SPEC: dict[str, Callable[[Any], bool]] = {
    "kind": lambda value: value in ("call", "map"),
    "function": _is_text,
    "function_name": _is_text,
    "label": lambda value: value is None or isinstance(value, str),
    "priority": lambda value: type(value) is int and abs(value) <= LARGEST,
    "cores": _is_number,
    "core_type": _is_text,
    "max_runtime_seconds": _is_duration,
    "restartable": _is_flag,
    "kill_process": _is_flag,
    "profile": _is_flag,
    "depends_on_errors": lambda value: value in ("abort", "ignore"),
    "os_env_vars": _is_dict_of_texts,
    "fast_serialization": _is_number,
    "parent_jid": lambda value: value is None or type(value) is int,
    "shown_arguments": _are_texts,
    "client": _is_dict_of_texts,
    "max_transmit_data": lambda value: type(value) is int and value >= 0,
    "datalog": _is_text,
}
_ENVIRONMENT: dict[str, Callable[[Any], bool]] = {
    name: _is_dict_of_texts if name == "variables" else _are_texts if name == "path" else _is_text
    for name in Environment.__dataclass_fields__
}


def object_in(text: bytes) -> dict[str, Any]:
    """The JSON object that a stranger sent.

    Raises:
        ValueError, TypeError: it is none.
    """
    try:
        found = json.loads(text)
    except RecursionError as error:
        raise ValueError(str(error)) from None
    if not isinstance(found, dict):
        raise TypeError(f"{text[:50]!r} is no JSON object")
    return found


def dict_in(text: Buffer) -> dict[str, Any]:
    """Of JSON that a worker process wrote, which may be anything: {} for all that is no object."""
    try:
        return object_in(bytes(text)) if text else {}
    except (ValueError, TypeError):
        return {}
