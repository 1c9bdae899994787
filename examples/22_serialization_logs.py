"""Serialization logs: what was sent, member by member, as XML."""

import pathlib
import sys
import tempfile
from xml.etree import ElementTree as ET

import cloud

folder = pathlib.Path(tempfile.mkdtemp())
(folder / "mymodule.py").write_text("def foo(arg1, arg2):\n    print('in foo')\n    return arg1\n")
sys.path.insert(0, str(folder))
import mymodule  # noqa: E402


def show(file, depth=0):
    """The tree of objects: what is what, and what refers to what."""
    print(" " * depth + f"{file.tag} {file.get('name') or file.get('key') or ''} {file.get('type')}")
    for child in file:
        show(child, depth + 1)


if __name__ == "__main__":
    cloud.config.serialize_logging = True
    cloud.config.commit()
    arg1, arg2 = ["some", "texts"], {"a": mymodule.foo}
    for _ in range(2):
        cloud.mp.join(cloud.mp.call(mymodule.foo, arg1, arg2))

    # A directory for each kind of cloud, one below it for each time that it was opened.
    opened = max(pathlib.Path(cloud.getconfigpath(), "datalogs", "Multiprocessing").iterdir())
    for file in sorted(opened.glob("*.2.*")):
        print(file.name)
    # prints: call.mymodule.foo.2.args.xml
    # prints: call.mymodule.foo.2.func.xml
    # prints: call.mymodule.foo.2.kwargs.xml
    # prints: call.mymodule.foo.2.result.stderr
    # prints: call.mymodule.foo.2.result.stdout
    # prints: call.mymodule.foo.2.result.xml
    print((opened / "call.mymodule.foo.1.result.stdout").read_text(), end="")  # prints: in foo

    # A function of a script travels with the globals that it uses; primitives are not shown.
    limit = {"module": mymodule, "number": 5}
    cloud.mp.join(cloud.mp.call(lambda: limit["module"].foo(1, 2)))
    show(ET.parse(opened / "call.__main__.lambda.1.func.xml").getroot())
    # prints: PickledObject  function
    # prints:  Attribute globals dict
    # prints:   Value limit dict
    # prints:    Value module module
    # prints:  Attribute closure list
    # prints:  Attribute function_attributes dict
    cloud.mp.close()
