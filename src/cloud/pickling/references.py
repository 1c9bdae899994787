"""What a pickle refers to, found without opening it: modules, and what code that travels by value imports.

The pickle is run by the real unpickler, but everything it names is replaced by a stand-in that does nothing and notes
what it is called with. So memo, frames and protocols are the unpickler's business, and no code of anybody's runs.
"""

import io
import itertools
import opcode
import pickle
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from cloud.model import Buffer
from cloud.pickling.chunk import Arguments

_NAMES = re.compile(rb"\x8c[\x02-\xff]([A-Za-z_][A-Za-z0-9_.]*)\x94")
"""A short text that may be the name of a module, where it first appears in a pickle."""
_IMPORT_NAME = opcode.opmap["IMPORT_NAME"]
_IMPORT_FROM = opcode.opmap["IMPORT_FROM"]
_EXTENDED = opcode.opmap["EXTENDED_ARG"]
_LOAD_CONST = opcode.opmap["LOAD_CONST"]
_LOAD_SMALL = opcode.opmap.get("LOAD_SMALL_INT", -1)
_DYNAMIC = frozenset({"import_module", "__import__"})
_MODULE = re.compile(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*")


@dataclass(slots=True)
class References:
    """Names of modules; those of `imported` may also be of things in modules."""

    named: set[str] = field(default_factory=set)
    """Modules of functions, classes and modules that are pickled by reference."""
    imported: set[str] = field(default_factory=set)
    """What `import` statements in code that travels by value may mean."""
    codes: int = 0
    """How many code objects are in it: functions and classes that travel by value."""

    def note_code(self, code: bytes, consts: tuple[Any, ...], names: tuple[str, ...]) -> None:
        """Take up the import statements of a code object."""
        self.codes += 1
        argument, module = 0, ""
        loaded: list[Any] = [0, None]
        for position in range(0, len(code) - 1, 2):
            op, argument = code[position], argument << 8 | code[position + 1]
            if op == _EXTENDED:
                continue
            if op == _LOAD_CONST and argument < len(consts):
                loaded = [loaded[1], consts[argument]]
            elif op == _LOAD_SMALL:
                loaded = [loaded[1], argument]
            elif op == _IMPORT_NAME and argument < len(names):
                level = loaded[0] if isinstance(loaded[0], int) else 0
                module = "." * level + names[argument]
                self.imported.add(module)
            elif op == _IMPORT_FROM and module and argument < len(names):
                self.imported.add(f"{module}{'' if module.endswith('.') else '.'}{names[argument]}")
            argument = 0
        if not _DYNAMIC.isdisjoint(names):
            self.imported.update(c for c in consts if isinstance(c, str) and _MODULE.fullmatch(c))


def references(packed: Buffer) -> References:
    """Of one pickle or envelope.

    Raises:
        Exception: it is none.
    """
    found = References()
    _open(packed, found)
    return found


def chunk_references(parts: Sequence[Buffer], interesting: frozenset[str] | set[str]) -> References:
    """Of a chunk of arguments; quick where none of the interesting modules and no code by value occurs.

    Args:
        parts: as `pack_call` and `pack_map` made them.
        interesting: the only modules about which an answer is wanted, but for what code imports.
    """
    found = References()
    for part in parts:
        if not isinstance(part, bytes) or b"\x93" not in part:
            continue  # memory of arrays, or nothing that has a name
        by_value = b"CodeType" in part
        if not by_value and (not interesting or interesting.isdisjoint(_texts(part))):
            continue
        if part[0] == 0x80:
            _open(part, found)
        elif part[:1] in (b"I", b"K"):
            arguments = Arguments(part, lambda envelope: _open(envelope, found))
            for i in range(len(arguments)) if len(parts) == 1 else ():
                arguments[i]
    return found


def _texts(part: bytes) -> set[str]:
    return {text.decode("ascii") for text in _NAMES.findall(part)}


def _open(envelope: Buffer, found: References) -> tuple[()]:
    view = memoryview(envelope)
    if view and view[0] != 0x80:  # beside it are buffers: the pickle begins where its protocol is
        number, length = (int.from_bytes(view[at : at + 8], "little") for at in (8, 16))
        start = 24 + 8 * number
        view = view[start : start + length]
    if view:
        _Looker(view, found).load()
    return ()


class _Value:
    """Stands for anything that is not a stand-in class; takes whatever is done to it."""

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self

    def __setstate__(self, state: Any) -> None: ...

    def __setitem__(self, key: Any, value: Any) -> None: ...

    def append(self, item: Any) -> None: ...

    def extend(self, items: Any) -> None: ...

    def add(self, item: Any) -> None: ...


_VALUE = _Value()


class _Named(type):
    """Metaclass of stand-ins, because an unpickler insists on classes in some places."""

    found: References
    subject: str

    def __call__(cls, *args: Any, **kwargs: Any) -> Any:
        if cls.subject == "subimport" and args and isinstance(args[0], str):
            cls.found.named.add(args[0])
        elif len(args) >= 16 and isinstance(args[6], bytes) and isinstance(args[7], tuple):
            if isinstance(args[8], tuple) and all(isinstance(name, str) for name in args[8]):
                cls.found.note_code(args[6], args[7], args[8])
        return _stand_in(cls.found, "") if cls.subject in _MAKE_CLASSES else _VALUE

    def __setstate__(cls, state: Any) -> None: ...

    def __setitem__(cls, key: Any, value: Any) -> None: ...


_MAKE_CLASSES = frozenset({"_make_skeleton_class", "_make_skeleton_enum", "_builtin_type", "getattr", "_make_typevar",
                           "_getattribute", "NamedTuple", "new_class", "type"})  # fmt: skip
"""What gives a class when it is called."""


def _stand_in(found: References, subject: str) -> Any:
    def new(cls: type, *args: Any, **kwargs: Any) -> _Value:
        return _VALUE

    return _Named("StandIn", (), {"found": found, "subject": subject, "__new__": new})


class _Looker(pickle.Unpickler):
    def __init__(self, packed: memoryview, found: References) -> None:
        super().__init__(io.BytesIO(packed), buffers=itertools.repeat(b""))
        self._found = found
        self._known: dict[tuple[str, str], Any] = {}

    def find_class(self, module: str, name: str) -> Any:
        self._found.named.add(module)
        key = module, name
        known = self._known.get(key)
        if known is None:
            known = self._known[key] = _stand_in(self._found, name)
        return known

    def persistent_load(self, pid: Any) -> Any:
        return _VALUE
