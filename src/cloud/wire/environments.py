"""Environments as bytes: written and read once for each, because thousands of submissions carry the same one."""

import json
from dataclasses import fields

from cloud.model import Buffer, Environment
from cloud.wire.strangers import checked_environment, object_in

_REMEMBERED = 64
_MAX_BYTES = 1 << 15
"""Longer ones are not remembered."""
_FIELDS = tuple(f.name for f in fields(Environment))
_encode = json.JSONEncoder(separators=(",", ":")).encode
_written: dict[int, tuple[Environment, bytes]] = {}
_read: dict[bytes, Environment] = {}


def environment_to_bytes(environment: Environment) -> bytes:
    """A JSON object."""
    known = _written.get(id(environment))
    if known is not None:
        return known[1]
    text = _encode({name: getattr(environment, name) for name in _FIELDS}).encode()
    if len(_written) >= _REMEMBERED:
        _written.clear()
    _written[id(environment)] = environment, text
    return text


def environment_from_bytes(text: Buffer) -> Environment:
    """The reverse; fields of a newer client that this version does not know are dropped.

    Raises:
        ValueError, TypeError, KeyError: it is none.
    """
    key = bytes(text)
    environment = _read.get(key)
    if environment is None:
        value = {name: item for name, item in object_in(key).items() if name in _FIELDS}
        value["path"] = tuple(value.get("path", ()))
        environment = checked_environment(Environment(**value))
        if len(key) <= _MAX_BYTES:
            if len(_read) >= _REMEMBERED:
                _read.clear()
            _read[key] = environment
    return environment
