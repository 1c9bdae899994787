"""The terms of a submission as bytes: its spec without what only people look at.

Written and read once for each, because calls of one function rarely differ in them.
"""

import json
from typing import Any

from cloud.model import Buffer, Environment, Spec
from cloud.wire.strangers import checked, object_in, shown_in
from cloud.wire.values import spec_from_json, spec_to_json

_REMEMBERED = 64
_MAX_BYTES = 1 << 15
"""Longer ones are not remembered."""
_encode = json.JSONEncoder(separators=(",", ":")).encode
_written: dict[int, tuple[Spec, bytes]] = {}
_read: dict[bytes, Spec] = {}


def terms_to_bytes(spec: Spec) -> bytes:
    """A JSON object, without the environment and `shown_arguments`."""
    original = spec.original
    known = _written.get(id(original))
    if known is not None:
        return known[1]
    value = spec_to_json(original)
    value.pop("shown_arguments", None)
    text = _encode(value).encode()
    if len(text) <= _MAX_BYTES:
        if len(_written) >= _REMEMBERED:
            _written.clear()
        _written[id(original)] = original, text
    return text


def spec_from_terms(terms: Buffer, environment: Environment, shown: Any) -> Spec:
    """The reverse, from a stranger; fields of a newer client that this version does not know are dropped.

    Raises:
        ValueError, TypeError, KeyError: they are none, or a value is not of the kind that its field has.
    """
    key = bytes(terms)
    spec = _read.get(key)
    if spec is None or spec.environment is not environment:
        spec = checked(spec_from_json(object_in(key), environment))
        if len(key) <= _MAX_BYTES:
            if len(_read) >= _REMEMBERED:
                _read.clear()
            _read[key] = spec
    return spec.showing(shown_in(shown))
