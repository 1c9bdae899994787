"""Elements of serialization logs and pickle traces, and their text in the format of PiCloud (SPEC D.7)."""

import re
from collections.abc import Iterable
from typing import NamedTuple

DECLARATION = '<?xml version="1.0" encoding="utf-8"?>'
INDENT = " " * 4
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


class Element(NamedTuple):
    """One element: attributes in the order in which they are written."""

    name: str
    attributes: list[tuple[str, str]]
    children: "list[Element]"


def text(root: Element, level: int = 0) -> str:
    """The element and all below it, indented, ending with a line feed."""
    lines: list[str] = []
    waiting: list[tuple[Element | str, int]] = [(root, level)]
    while waiting:
        element, depth = waiting.pop()
        if isinstance(element, str):
            lines.append(INDENT * depth + element)
            continue
        start = "".join([element.name, *(f" {name}='{_escaped(value)}'" for name, value in element.attributes)])
        if not element.children:
            lines.append(f"{INDENT * depth}<{start}/>")
            continue
        lines.append(f"{INDENT * depth}<{start}>")
        waiting.append((f"</{element.name}>", depth))
        waiting.extend((child, depth + 1) for child in reversed(element.children))
    return "\n".join(lines) + "\n"


def document(root: Element, properties: Iterable[tuple[str, str]]) -> str:
    """A whole file: declaration, a comment with what was asked for, the root."""
    told = " ".join(f"{name}='{value}'" for name, value in properties)
    return f"{DECLARATION}\n<!-- Properties {told} -->\n{text(root)}"


def _escaped(value: str) -> str:
    """The text of an attribute; what XML cannot hold is written as Python would."""
    value = value.replace("&", "&amp;").replace("<", "&lt;").replace("'", "&apos;")
    value = _NOT_XML.sub(lambda found: ascii(found[0])[1:-1], value)
    return value.replace("\r", "&#13;").replace("\n", "&#10;").replace("\t", "&#9;")
