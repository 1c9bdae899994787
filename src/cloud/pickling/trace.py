"""What a pickle is made of, as text: the trace after a failure, the snapshot of what is too large, the whole log."""

from typing import Any

from cloud.pickling import xml
from cloud.pickling.description import Describer, Shown
from cloud.pickling.limits import MAX_BYTES
from cloud.pickling.tracing import GivenUp, TracingPickler

WHERE_TO_READ_ON = "docs/reference/pickling.md"
MAX_SECONDS = 10.0
"""An explanation is no reason to wait longer."""
SHOWN_ENDS = 10
"""So many steps from each end of a long way are shown."""
_EVERYTHING = Shown()


def pickle_trace(value: Any, max_bytes: int = MAX_BYTES) -> str:
    """'Pickle trace:' and the way from a value to the member that cannot be pickled; '' if all of it can.

    Pickles again, slowly; meant for after a failure.
    """
    try:
        pickler = TracingPickler(path_only=True, max_bytes=max_bytes, max_seconds=MAX_SECONDS)
        traced, error = pickler.trace(value)
        if error is None:
            return ""
        if isinstance(error, GivenUp):
            return f"Pickle trace: given up after {MAX_SECONDS:g} seconds."
        root = _shortened(Describer(Shown(only_path=True), _line(error)).root(traced))
        return f"Pickle trace:\n{xml.text(root)}See {WHERE_TO_READ_ON} for what cannot be pickled, and what to do."
    except Exception:  # an explanation must never hide what it explains
        return ""


def _shortened(root: xml.Element) -> xml.Element:
    """A way of hundreds of steps, through what is nested too deeply, without its middle."""
    way = [root]
    while len(way[-1].children) == 1:
        way.append(way[-1].children[0])
    if len(way) > 2 * SHOWN_ENDS + 1:
        left_out = len(way) - 2 * SHOWN_ENDS
        way[SHOWN_ENDS - 1].children[:] = [
            xml.Element("LeftOut", [("levels", str(left_out))], [way[-SHOWN_ENDS]]),
        ]
    return root


def snapshot(value: Any, min_bytes: int) -> str:
    """The members of a value that take so many bytes or more, without the head of a document."""
    try:
        traced, error = TracingPickler(max_seconds=MAX_SECONDS).trace(value)
        if isinstance(error, GivenUp):
            return f"<PickledObject type='{type(value).__qualname__}' given_up_after='{MAX_SECONDS:g} s'/>\n"
        return xml.text(Describer(Shown(min_bytes=min_bytes)).root(traced))
    except Exception:  # see above
        return f"<PickledObject type='{type(value).__qualname__}'/>\n"


def document(value: Any, shown: Shown = _EVERYTHING, max_bytes: int = MAX_BYTES) -> str:
    """The serialization log of a value: a whole XML document, with the culprit marked if it cannot be pickled."""
    traced, error = TracingPickler(primitives=shown.primitives, max_bytes=max_bytes).trace(value)
    root = Describer(shown, "" if error is None else _line(error)).root(traced)
    return xml.document(
        root,
        (
            ("minimumObjectSizePrinted", str(shown.min_bytes)),
            ("typeCompositionShown", str(shown.types_composition)),
            ("showPrimitives", str(shown.primitives)),
        ),
    )


def _line(error: BaseException) -> str:
    try:
        return f"{type(error).__name__}: {error}"
    except Exception:
        return type(error).__name__
