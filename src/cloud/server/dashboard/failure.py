"""A traceback in pieces that a page can show: frames, the user's own apart from libraries', and the text between."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from cloud.server.dashboard.places import USERS, brief, whose
from cloud.wire.failure_text import raised_in

_FRAME = re.compile(r'^(?P<before>[ |+-]*)File "(?P<file>.+)", line (?P<line>\d{1,9})(?:, in (?P<function>.*))?$')
_RAISED = re.compile(r"[A-Za-z_][\w.<>]*(: .*|Error|Exception|Interrupt|Exit)")
_NO_EXCEPTION = ("Traceback", "TIP: ", "During ", "The above ", "Could not ")
_MOST_LINES = 3000


@dataclass(frozen=True, slots=True)
class SourceLine:
    """A line around the place of a frame."""

    number: int | None
    """None: not a line, but marks below one."""
    text: str
    here: bool
    """Whether it is the frame's own."""


@dataclass(slots=True)
class Frame:
    """A place in somebody's code."""

    file: str
    line: int
    function: str
    code: list[str] = field(default_factory=list)
    """Source lines, with marks below them, less their common indentation."""
    innermost: bool = False
    """Whether of the user's own frames this is the last one: where to look first."""
    around: list[SourceLine] = field(default_factory=list)
    """Its surroundings, if they are known."""

    @property
    def users(self) -> bool:
        """Whether it is the user's own code."""
        return whose(self.file) == USERS

    @property
    def brief(self) -> str:
        """The end of the file's path."""
        return brief(self.file)


@dataclass(slots=True)
class Block:
    """Frames one after another that are all the user's own or all not; or text."""

    frames: list[Frame] = field(default_factory=list)
    text: str = ""

    @property
    def users(self) -> bool:
        """Whether the frames are the user's own."""
        return bool(self.frames) and self.frames[0].users


@dataclass(slots=True)
class Failure:
    """How a job failed."""

    headline: str
    """The exception: the last line that is one; '' if there is none."""
    blocks: list[Block]


def read_failure(text: str) -> Failure:
    """A traceback as Python prints it, with whatever is around it. What is not understood stays text."""
    blocks: list[Block] = []
    last: Frame | None = None
    for found in _pieces(text.splitlines()[-_MOST_LINES:]):
        if isinstance(found, str):
            if not blocks or blocks[-1].frames:
                blocks.append(Block())
            blocks[-1].text += found + "\n"
            continue
        if not blocks or not blocks[-1].frames or blocks[-1].users != found.users:
            blocks.append(Block())
        blocks[-1].frames.append(found)
        last = found if found.users else last
    if last is not None:
        last.innermost = True
    return Failure(_headline(text), blocks)


def _pieces(lines: list[str]) -> Iterator[Frame | str]:
    frame: Frame | None = None
    margin = 0
    for line in lines:
        match = _FRAME.match(line)
        if match is not None:
            if frame is not None:
                yield _tidied(frame)
            frame = Frame(match["file"], int(match["line"]), match["function"] or "")
            margin = len(match["before"])
            continue
        if frame is not None and line[:margin].strip(" |+-") == "" and line[margin : margin + 2] == "  ":
            frame.code.append(line[margin + 2 :])
            continue
        if frame is not None:
            yield _tidied(frame)
            frame = None
        yield line
    if frame is not None:
        yield _tidied(frame)


def _tidied(frame: Frame) -> Frame:
    indents = [len(line) - len(line.lstrip()) for line in frame.code if line.strip()]
    cut = min(indents, default=0)
    frame.code = [line[cut:] for line in frame.code]
    return frame


def _headline(text: str) -> str:
    found = raised_in(text)
    if not found:  # a text around an exception, or the end of one
        for line in text.splitlines():
            if not line.startswith(_NO_EXCEPTION) and _RAISED.fullmatch(line):
                found = line
    return found[:1000]
