"""Classes that travel with their code, and have `__slots__`, are made with them where they arrive.

cloudpickle makes the class first and tells it of its `__slots__` afterwards, which is too late: its objects have a
`__dict__` there, hand it on when they are pickled to be sent back, and cannot be opened where the class has none.
"""

from typing import Any

import cloudpickle.cloudpickle

_make_class = cloudpickle.cloudpickle._make_skeleton_class
_TYPE_KWARGS = 3
"""Where its arguments say what is in the class from the first."""


def with_slots(kind: type, reduced: Any) -> Any:
    """How a class is taken apart, by cloudpickle; with its slots, if it has some and is not known by its name. A class
    without any, as `NamedTuple` makes, has no state to hand on."""
    slots = kind.__dict__.get("__slots__")
    if not slots or not isinstance(reduced, tuple) or reduced[0] is not _make_class:
        return reduced
    made, args, *rest = reduced
    names = (slots,) if isinstance(slots, str) else tuple(slots)
    first = {**args[_TYPE_KWARGS], "__slots__": names}
    return made, (*args[:_TYPE_KWARGS], first, *args[_TYPE_KWARGS + 1 :]), *rest
