"""Which installed distribution a module is from, read off the folders that installers leave beside it.

`importlib.metadata` knows more and takes a hundred times as long to load.
"""

import os
import re
import sys
from collections.abc import Iterable
from functools import lru_cache

_INFO = re.compile(r"(?P<name>[^-]+)-(?P<version>[^-]+)\.(?:dist|egg)-info")


def distributions_of(tops: Iterable[str]) -> dict[str, str]:
    """'name version' by top-level module, for those that a distribution is known of."""
    path = tuple(map(str, sys.path))
    found = {top: distribution_of(top, path) for top in tops if top not in sys.stdlib_module_names}
    return {top: text for top, text in found.items() if text}


@lru_cache(1024)
def distribution_of(top: str, path: tuple[str, ...]) -> str:
    """'name version'; '' when there is none on this search path."""
    for folder in path:
        listed = _infos(folder)
        if not listed:
            continue
        for name, version, _ in listed:
            if _normal(name) == _normal(top):
                return f"{name} {version}"
        for name, version, info in listed:
            if _provides(os.path.join(folder, info), top):
                return f"{name} {version}"
    return ""


@lru_cache(256)
def _infos(folder: str) -> tuple[tuple[str, str, str], ...]:
    try:
        matches = [(_INFO.fullmatch(name), name) for name in os.listdir(folder)]
    except OSError:
        return ()
    return tuple((match["name"], match["version"], name) for match, name in matches if match)


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _provides(info: str, top: str) -> bool:
    record = _text(os.path.join(info, "RECORD"))
    if re.search(rf"^{re.escape(top)}(?:/|\.py,|\.[^/,]*\.so,)", record, re.MULTILINE):
        return True
    return top in _text(os.path.join(info, "top_level.txt")).split()


@lru_cache(512)
def _text(path: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read()
    except OSError:
        return ""
