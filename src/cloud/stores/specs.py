"""How a `Spec` is stored: JSON without what has its default value."""

import json
from dataclasses import MISSING, asdict, fields
from typing import Any

from cloud.model import Environment, Spec
from cloud.wire.values import ranges_to_json, spec_from_json

_ELSEWHERE = ("function", "environment")
_REQUIRED = tuple(f.name for f in fields(Spec) if f.default is MISSING and f.default_factory is MISSING)
_encode = json.JSONEncoder(separators=(",", ":")).encode


def _default(field: Any) -> Any:
    return field.default if field.default is not MISSING else field.default_factory()


_OPTIONAL = tuple((f.name, _default(f)) for f in fields(Spec) if f.name not in _REQUIRED)
_PLAIN = tuple(name for name in _REQUIRED if name not in _ELSEWHERE)


def spec_text(spec: Spec) -> str:
    """Everything but function and environment, which many submissions share."""
    value = {name: getattr(spec, name) for name in _PLAIN}
    for name, default in _OPTIONAL:
        item = getattr(spec, name)
        if item != default:
            value[name] = item
    if spec.depends_on:
        value["depends_on"] = ranges_to_json(spec.depends_on)
    return _encode(value)


def environment_text(environment: Environment) -> str:
    """The environment as JSON; equal environments have equal texts."""
    return json.dumps(asdict(environment), sort_keys=True)


def environment_key(environment: Environment) -> tuple[Any, ...]:
    """Equal for equal environments, and cheaper than the text."""
    e = environment
    return (
        e.cache_tag, e.machine, e.executable, e.path, e.directory, tuple(sorted(e.variables.items())), e.code_version,
    )  # fmt: skip


def spec_from_texts(spec: str, function: str, environment: str) -> Spec:
    """The reverse of `spec_text` and `environment_text`."""
    return spec_from_json({**json.loads(spec), "function": function, "environment": json.loads(environment)})
