"""SPEC A.16: the mission's own sample of a serialization log."""

import os
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

SAMPLE = """
<PickledObject type='function' size='944' memo_id='26' isLambda='True' module='__main__' fileName='test_cloud.py' firstLineNumber='81' TransmittedFunctionCode='True'>
<Attribute name='globals' type='dict' size='510' memo_id='27' numElements='1' keyType='str' valueType='function'>
<Value key='conc' keyObjId='3085541792' type='function' size='504' memo_id='62' funcName='conc' module='autotagger2.scheduler' fileName='__init__.py' firstLineNumber='8'>
<Attribute name='attr' type='function' size='410' memo_id='55' funcName='osmod2' module='__main__' fileName='test_cloud.py' firstLineNumber='53' TransmittedFunctionCode='True'>
<Attribute name='globals' type='dict' size='20' memo_id='56' numElements='1' keyType='str' valueType='module'>
<Value key='os' keyObjId='3085749056' type='module' size='14' memo_id='59' module='os'/>
</Attribute>
<Attribute name='closure' type='list' size='3' memo_id='60' numElements='0'/>
<Attribute name='function_attributes' type='dict' size='3' memo_id='61' numElements='0'/>
</Attribute>
</Value>
</Attribute>
<Attribute name='closure' type='list' size='3' memo_id='63' numElements='0'/>
<Attribute name='function_attributes' type='dict' size='3' memo_id='64' numElements='0'/>
</PickledObject>
"""  # noqa: E501
"""As the mission shows it; of file names, the last part."""

PROGRAM = """
import os, sys
import cloud
from cloud import mp
from autotagger2.scheduler import conc

def osmod2():
    return os.getpid()

conc.attr = osmod2
used = mp if sys.argv[1] == "mp" else cloud
assert used.result(used.call(lambda: conc(5))) == 5
used.close()
"""
VARYING = {"size", "memo_id", "keyObjId", "firstLineNumber"}


def told(element: ET.Element) -> list[object]:
    """Name, attributes in their order, and children; of what varies, that it is a number."""
    attributes = [
        (name, value.isdecimal() if name in VARYING else os.path.basename(value) if name == "fileName" else value)
        for name, value in element.items()
    ]
    return [element.tag, attributes, [told(child) for child in element]]


@pytest.mark.parametrize(("which", "adapter"), [("mp", "Multiprocessing"), ("server", "HTTPConnection")])
def test_the_missions_sample_is_what_a_program_of_its_shape_logs(
    home: Path, tmp_path: Path, which: str, adapter: str
) -> None:
    """S68, S69, S70, S71: the same elements, attributes and nesting; sizes include what is referenced."""
    package = tmp_path / "autotagger2" / "scheduler"
    package.mkdir(parents=True)
    (package.parent / "__init__.py").write_text("")
    (package / "__init__.py").write_text("def conc(x):\n    return x\n")
    (tmp_path / "test_cloud.py").write_text(PROGRAM)
    subprocess.run(
        [sys.executable, str(tmp_path / "test_cloud.py"), which], timeout=300, check=True,
        env={**os.environ, "PICLOUD_HOME": str(home), "PICLOUD_WORKERS": "1", "PICLOUD_SERIALIZE_LOGGING": "1"},
    )  # fmt: skip
    (file,) = home.glob(f"datalogs/{adapter}/*/call.__main__.lambda.1.func.xml")
    root = ET.parse(file).getroot()
    assert told(root) == told(ET.fromstring(SAMPLE))
    sizes = [int(element.get("size", "0")) for element in root.iter()]
    assert sizes[:6] == sorted(sizes[:6], reverse=True), "each in the one before it"
    assert len({element.get("memo_id") for element in root.iter()}) == len(sizes)
