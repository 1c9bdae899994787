"""How a `Spec` is stored: JSON without what has its default value."""

import json
from dataclasses import asdict
from functools import lru_cache

from cloud.model import Environment, Spec
from cloud.wire.environments import environment_from_bytes
from cloud.wire.values import spec_from_json, spec_to_json

_encode = json.JSONEncoder(separators=(",", ":")).encode


def spec_text(spec: Spec) -> str:
    """Everything but function and environment, which many submissions share."""
    value = spec_to_json(spec)
    del value["function"]
    return _encode(value)


def environment_text(environment: Environment) -> str:
    """The environment as JSON; equal environments have equal texts."""
    return json.dumps(asdict(environment), sort_keys=True)


def spec_from_texts(spec: str, function: str, environment: str) -> Spec:
    """The reverse of `spec_text` and `environment_text`."""
    return spec_from_json({**json.loads(spec), "function": function}, _environment(environment))


@lru_cache(1024)
def _environment(text: str) -> Environment:
    """Shared by all submissions that have it."""
    return environment_from_bytes(text.encode())
