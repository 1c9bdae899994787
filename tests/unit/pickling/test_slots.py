"""Classes with `__slots__` that travel with their code: there, and back."""

import subprocess
import sys
from pathlib import Path

PROGRAM = """
import dataclasses, subprocess, sys
from cloud import pickling

@dataclasses.dataclass(slots=True)
class Point:
    x: int
    y: int = 2

@dataclasses.dataclass(slots=True, frozen=True)
class Frozen:
    x: int

class Base:
    __slots__ = "only"

class Below(Base):
    __slots__ = ("mine", "__weakref__")

class Open(Base):
    __slots__ = ("mine", "__dict__")

class Plain(Base):
    pass

class Pair(tuple):
    __slots__ = ()

below, opened, plain = Below(), Open(), Plain()
below.only, below.mine = 1, 2
opened.only, opened.mine, opened.other = 1, 2, 3
plain.only, plain.other = 1, 3
values = [Point(1), Frozen(5), below, opened, plain, Pair((1, 2))]
THERE = '''
import sys
from cloud import pickling
values = pickling.loads(sys.stdin.buffer.read())
print([hasattr(value, "__dict__") for value in values], file=sys.stderr)
sys.stdout.buffer.write(b"".join(pickling.dumps(values)))
'''
sent = b"".join(pickling.dumps(values))
there = subprocess.run([sys.executable, "-c", THERE], input=sent, capture_output=True, check=True)
print(there.stderr.decode().strip())
point, frozen, below, opened, plain, pair = pickling.loads(there.stdout)
print(point, type(point) is Point, frozen, below.only, below.mine, opened.only, opened.mine, opened.other)
print(plain.only, plain.other, pair, type(pair) is Pair)
"""


def test_their_objects_come_back_as_they_were(tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(PROGRAM)
    done = subprocess.run([sys.executable, str(program)], capture_output=True, text=True, check=False)
    assert done.stdout.splitlines() == [
        "[False, False, False, True, True, True]",
        "Point(x=1, y=2) True Frozen(x=5) 1 2 1 2 3",
        "1 3 (1, 2) True",
    ], done.stderr
