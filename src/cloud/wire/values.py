"""Model values as JSON objects and frames, and back."""

from array import array
from dataclasses import MISSING, fields
from typing import Any

from cloud.model import COLUMNS, BlobRef, Buffer, Column, Environment, Outcomes, Ranges, Spec


def _default(field: Any) -> Any:
    return field.default if field.default is not MISSING else field.default_factory()


_SPEC_FIELDS = {f.name for f in fields(Spec)} - {"environment"}
_REQUIRED = ("kind", "function", "function_name")
_OPTIONAL = tuple((f.name, _default(f)) for f in fields(Spec) if f.name in _SPEC_FIELDS and f.name not in _REQUIRED)


def ranges_to_json(ranges: Ranges) -> list[list[int]]:
    """[[start, stop], ...]"""
    return [[r.start, r.stop] for r in ranges]


def ranges_from_json(value: Any) -> Ranges:
    """The reverse of `ranges_to_json`."""
    return tuple(range(int(start), int(stop)) for start, stop in value)


def spec_to_json(spec: Spec) -> dict[str, Any]:
    """A `Spec` as a JSON object, without its environment and what has its default value; also how stores keep it."""
    value: dict[str, Any] = {"kind": spec.kind, "function": spec.function, "function_name": spec.function_name}
    for name, default in _OPTIONAL:
        item = getattr(spec, name)
        if item != default or type(item) is not type(default):
            value[name] = item
    if spec.depends_on:
        value["depends_on"] = ranges_to_json(spec.depends_on)
    if spec.again:
        value["again"] = ranges_to_json(spec.again)
    return value


def spec_from_json(value: dict[str, Any], environment: Environment) -> Spec:
    """The reverse of `spec_to_json`; fields of a newer client that this version does not know are dropped."""
    known = {name: item for name, item in value.items() if name in _SPEC_FIELDS}
    known["environment"] = environment
    known["depends_on"] = ranges_from_json(value.get("depends_on", ()))
    known["again"] = ranges_from_json(value.get("again", ()))
    known["shown_arguments"] = tuple(value.get("shown_arguments", ()))
    return Spec(**known)


def outcomes_to_frames(outcomes: Outcomes) -> tuple[dict[str, Any], list[Buffer]]:
    """A description and one frame for each array it names under 'frames', in that order."""
    names = ["status"]
    frames: list[Buffer] = [outcomes.status]
    if not outcomes.is_uniform:
        names += ["started", "runtime"]
        frames += [outcomes.started.tobytes(), outcomes.runtime.tobytes()]
    for name in COLUMNS:
        column: Column | None = getattr(outcomes, name)
        if column is not None:
            names.append(name)
            frames += [column.offsets.tobytes(), column.data]
    about: dict[str, Any] = {
        "sid": outcomes.sid, "lo": outcomes.lo, "count": outcomes.count, "attempt": outcomes.attempt, "frames": names,
    }  # fmt: skip
    if outcomes.blobs:
        about["blobs"] = [[i, ref.name, ref.size_bytes] for i, ref in outcomes.blobs.items()]
    return about, frames


def outcomes_from_frames(about: dict[str, Any], frames: list[memoryview]) -> Outcomes:
    """The reverse of `outcomes_to_frames`; takes its frames off the front of the list."""
    outcomes = Outcomes(about["sid"], about["lo"], about["count"], b"", about["attempt"])
    for name in about["frames"]:
        if name == "status":
            outcomes.status = bytes(frames.pop(0))
        elif name in ("started", "runtime"):
            values = array("d")
            values.frombytes(frames.pop(0))
            setattr(outcomes, name, values)
        else:
            offsets = array("Q")
            offsets.frombytes(frames.pop(0))
            setattr(outcomes, name, Column(offsets, frames.pop(0)))
    outcomes.blobs = {i: BlobRef(name, size) for i, name, size in about.get("blobs", ())}
    return outcomes
