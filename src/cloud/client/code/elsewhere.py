"""What would go wrong with local modules on a server elsewhere, told by the simulator, where all goes well (S59)."""

import sys
import sysconfig
import warnings
from collections.abc import Iterable

from cloud.api import Part
from cloud.client.code.contents import Contents
from cloud.client.code.ledger import names_in
from cloud.client.code.reach import reach
from cloud.client.code.tree import tree_of
from cloud.client.code.whitelist import WHITELIST
from cloud.client.reserved import _users_level
from cloud.config import setting
from cloud.model import Buffer
from cloud.pickling.references import chunk_references, references


class SimulationWarning(UserWarning):
    """It works here, and may not work on a server."""


class Elsewhere:
    """Looks at each function once."""

    def __init__(self) -> None:
        self._seen: set[str] = set()

    def look(self, part: Part) -> None:
        """Warn of what this part needs and a server may not have, at the user's line."""
        if part.spec is None or not part.function or part.spec.function in self._seen:
            return
        self._seen.add(part.spec.function)
        names = set(names_in(references(_joined(part.function)))) | set(setting("extra_modules"))
        for chunk in part.chunks[:1]:
            names |= names_in(chunk_references(chunk.parts, set(sys.modules)))
        for text in problems_elsewhere(names):
            warnings.warn(text, SimulationWarning, stacklevel=_users_level())


def problems_elsewhere(names: Iterable[str]) -> list[str]:
    """What may not work on another machine, of jobs that refer to these modules."""
    contents = Contents()
    modules = reach(names, contents).modules
    tree = tree_of(modules, contents, WHITELIST.names)
    sent = tree.places if setting("automatic_dependency_transfer") else {}
    stay = sorted(name for name, origin in modules.items() if origin.place and origin.place not in sent)
    found = []
    if stay:
        found.append(
            f"the job needs local modules that are not sent, so a server must have its own: {', '.join(stay[:20])}"
        )
    if tree.extensions and sent:
        found.append(
            f"the job needs compiled modules that run on {sysconfig.get_platform()} only, and a server may be "
            f"another machine: {', '.join(sorted(tree.extensions)[:20])}"
        )
    return found


def _joined(function: Iterable[Buffer]) -> bytes:
    return b"".join(bytes(part) for part in function)
