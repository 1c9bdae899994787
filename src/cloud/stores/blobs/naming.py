"""What a blob may be called."""

import re

_NAME = re.compile(r"(?!\.)[A-Za-z0-9._-]{1,200}(?:/(?!\.)[A-Za-z0-9._-]{1,200}){0,7}")


def checked(name: str) -> str:
    """The name, when it is a relative path of [A-Za-z0-9._-] parts none of which begins with a dot.

    Raises:
        ValueError: it is not.
    """
    if _NAME.fullmatch(name) is None:
        raise ValueError(f"{name!r} is not the name of a blob")
    return name
