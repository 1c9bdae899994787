"""The XML of serialization logs (SPEC A.16, D.7)."""

import decimal
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

from cloud.pickling.description import Shown
from cloud.pickling.trace import document
from tests.support.modules import imported

HEAD = (
    '<?xml version="1.0" encoding="utf-8"?>\n'
    "<!-- Properties minimumObjectSizePrinted='0' typeCompositionShown='False' showPrimitives='False' -->\n"
)


def root_of(value: Any, **shown: Any) -> ET.Element:
    return ET.fromstring(document(value, Shown(**shown)).partition("\n")[2])


SCHEDULER = "def conc(x):\n    return x\n"
MAIN = """
import os

def osmod2():
    return os.getpid()
"""
SAMPLE = [
    # depth, element, attributes (sizes, ids and places aside, as in the mission's page)
    (0, "PickledObject", ("type='function' size memo_id isLambda='True' module='__main__' fileName firstLineNumber"
                         " TransmittedFunctionCode='True'")),
    (1, "Attribute", "name='globals' type='dict' size memo_id numElements='1' keyType='str' valueType='function'"),
    (2, "Value", ("key='conc' keyObjId type='function' size memo_id funcName='conc' module='autotagger2_scheduler'"
                 " fileName firstLineNumber")),
    (3, "Attribute", ("name='attr' type='function' size memo_id funcName='osmod2' module='__main__' fileName"
                     " firstLineNumber TransmittedFunctionCode='True'")),
    (4, "Attribute", "name='globals' type='dict' size memo_id numElements='1' keyType='str' valueType='module'"),
    (5, "Value", "key='os' keyObjId type='module' size memo_id module='os'"),
    (4, "Attribute", "name='closure' type='list' size memo_id numElements='0'"),
    (4, "Attribute", "name='function_attributes' type='dict' size memo_id numElements='0'"),
    (1, "Attribute", "name='closure' type='list' size memo_id numElements='0'"),
    (1, "Attribute", "name='function_attributes' type='dict' size memo_id numElements='0'"),
]  # fmt: skip
VARYING = ("size", "memo_id", "fileName", "firstLineNumber", "keyObjId")


def flattened(element: ET.Element, depth: int = 0) -> list[tuple[int, str, str]]:
    attributes = " ".join(name if name in VARYING else f"{name}='{value}'" for name, value in element.items())
    rows = [(depth, element.tag, attributes)]
    for child in element:
        rows += flattened(child, depth + 1)
    return rows


def test_the_missions_sample_can_be_reproduced(tmp_path: Path) -> None:
    """S68, S69: two functions in two modules, the same elements, attributes and nesting."""
    main: dict[str, Any] = {"__name__": "__main__"}
    exec(compile(MAIN, "test_cloud.py", "exec"), main)
    with imported(tmp_path, autotagger2_scheduler=SCHEDULER) as scheduler:
        scheduler.conc.attr = main["osmod2"]
        main["conc"] = scheduler.conc
        exec(compile("f = lambda x: conc(x)", "test_cloud.py", "exec"), main)
        text = document(main["f"])
    assert text.startswith(HEAD)
    root = ET.fromstring(text.partition("\n")[2])
    assert flattened(root) == SAMPLE
    sizes = [int(element.get("size", "0")) for element in root.iter()]
    assert sizes == sorted(sizes[:6], reverse=True) + sizes[6:], "what is inside is smaller than what it is in"
    ids = [element.get("memo_id") for element in root.iter()]
    assert len(set(ids)) == len(ids)


class Held:
    def __init__(self, inside: Any) -> None:
        self.inside = inside
        self.number = 5


def test_attributes_say_what_the_mission_says() -> None:
    """S70: name, type, size, memo_id, numElements; a repeated reference names the id of the first."""
    shared = [decimal.Decimal("1.5")]
    root = root_of([Held(shared), shared])
    held, again = root
    assert root.attrib["numElements"] == "2"
    assert held.get("type") == f"{__name__}.Held"
    (inside,) = held
    assert (inside.tag, inside.get("name"), inside.get("type")) == ("Attribute", "inside", "list")
    assert again.attrib == {
        "entryNum": "1", "type": "list", "is_memoized": "True", "memo_id": inside.get("memo_id"),
    }  # fmt: skip
    assert int(root.attrib["size"]) > int(held.attrib["size"]) > int(inside.attrib["size"])


def test_primitives_are_not_shown_but_long_texts_are() -> None:
    """S71: numbers and short texts only on demand; texts of 256 characters and more always, cut at 1,024."""
    value = [1, 2.5, None, True, "short", b"short", "x" * 256, "y" * 2000]
    shown = list(root_of(value))
    assert [element.get("entryNum") for element in shown] == ["6", "7"]
    assert shown[0].get("contents") == "x" * 256
    assert shown[1].get("contents") == "y" * 1021 + "..."
    everything = list(root_of(value, primitives=True))
    assert [element.get("entryNum") for element in everything] == [str(n) for n in range(8)]
    assert [element.get("contents") for element in everything[:2]] == ["1", "2.5"]
    assert root_of(1 + 2j, primitives=True).get("contents") == "1.0+2.0j"


def test_small_objects_can_be_left_out() -> None:
    root = root_of([["small"], list(range(10_000, 10_500))], min_bytes=1000)
    assert [element.get("numElements") for element in root] == ["500"]


def test_keys_and_kinds_of_dictionaries() -> None:
    root = root_of({1: [], 2.5: [], "k" * 200: [], (1,): [], None: []})
    values = root.findall("Value")
    assert [value.get("key") for value in values] == ["1", "2.5", "k" * 64 + "..." + "k" * 64, "object", "object"]
    assert (root.get("keyType"), root.get("valueType")) == ("Mixed", "list")


def test_closures_and_defaults_of_functions() -> None:
    limit = [5]

    def inner(x: list[int] = [1], *, y: Any = {"a": 1}) -> Any:  # noqa: B006
        return x, y, limit

    root = root_of(inner)
    assert root.get("closureVariables") == "[limit]"
    assert [child.get("name") for child in root] == [
        "globals", "defaults", "kwdefaults", "closure", "annotations", "function_attributes",
    ]  # fmt: skip
    (element,) = root[3]
    assert (root[3].get("type"), root[3].get("containedType")) == ("list", "list")
    assert element.attrib["numElements"] == "1"


def test_classes_are_described_by_name_or_composition() -> None:
    class Local:
        table = [1]

    root = root_of([Local, Held, int])
    local, held, integer = root
    assert (local.get("type"), local.get("transmittedDescriptor"), len(local)) == ("classDescriptorNew", "True", 0)
    assert local.get("classDescribed", "").endswith("Local")
    assert (held.get("classDescribed"), held.get("transmittedDescriptor")) == (f"{__name__}.Held", None)
    assert (integer.get("type"), integer.get("typeDescribed")) == ("typeDescriptor", "int")
    local = root_of([Local], types_composition=True)[0]
    assert "table" in [child.get("name") for child in local]


def test_the_culprit_is_marked_among_the_rest() -> None:
    """D.6: when pickling failed, the file is still written."""
    root = root_of([[1], Held(n for n in [1])])
    first, second = root
    assert first.get("size") is not None
    (culprit,) = second
    assert culprit.get("failed_to_pickle") == "True"
    assert "a generator cannot be pickled" in (culprit.get("reason") or "")
    assert next(iter(culprit.attrib)) == "failed_to_pickle"


def test_indentation_and_quotes() -> None:
    text = document([[["it's <&"]]])
    lines = text.splitlines()[2:]
    assert [len(line) - len(line.lstrip()) for line in lines] == [0, 4, 8, 4, 0]
    assert "'" in lines[0]
    assert '"' not in lines[0]
    assert "contents='it&apos;s &lt;&amp;'" in document(["it's <&"], Shown(primitives=True))
