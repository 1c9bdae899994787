"""How a `Spec` is stored: JSON without what has its default value."""

import json
from dataclasses import asdict
from functools import lru_cache

from cloud.model import Environment, Spec
from cloud.wire.environments import environment_from_bytes
from cloud.wire.values import spec_from_json, spec_to_json

_encode = json.JSONEncoder(separators=(",", ":")).encode


_REMEMBERED = 64
_MOST_CHARACTERS = 1 << 15
"""Longer texts are not remembered."""
_texts: dict[int, tuple[Spec, str]] = {}


def spec_text(spec: Spec) -> str:
    """Everything but function and environment, which many submissions share."""
    original = spec.original
    known = _texts.get(id(original))
    text = _without_shown(original) if known is None else known[1]
    return f'{text[:-1]},"shown_arguments":{_encode(spec.shown_arguments)}}}' if spec.shown_arguments else text


def _without_shown(original: Spec) -> str:
    value = spec_to_json(original)
    del value["function"]
    value.pop("shown_arguments", None)
    text = _encode(value)
    if len(text) <= _MOST_CHARACTERS:
        if len(_texts) >= _REMEMBERED:
            _texts.clear()
        _texts[id(original)] = original, text
    return text


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
