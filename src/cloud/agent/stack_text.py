"""A stack dump of `faulthandler` as people read it: innermost last, the runner's own frames left out, with source."""

import os
import re
from dataclasses import dataclass, field

_OWN = re.compile(r"[/\\]cloud[/\\](runner|pickling)[/\\][^/\\]+$")
_STARTS = re.compile(r"(?P<current>Current )?[Tt]hread (?P<ident>0x[0-9a-f]+)(?: \[(?P<name>.*)\])?.*:$")
_FRAME = re.compile(r'  File "(?P<file>.*)", line (?P<line>\d+|\?\?\?) in (?P<function>.*)$')
_LAUNCH = ("<frozen runpy>",)
_THREADING = ("_bootstrap", "_bootstrap_inner", "run")
FILES_MAX = 50
FILE_MAX_BYTES = 1 << 20


@dataclass(slots=True)
class _Thread:
    ident: str
    name: str
    current: bool
    frames: list[tuple[str, str, str]] = field(default_factory=list)
    """File, line, function; innermost first."""
    notes: list[str] = field(default_factory=list)

    @property
    def is_main(self) -> bool:
        return any(_OWN.search(file) and function == "serve" for file, _, function in self.frames)

    @property
    def is_own(self) -> bool:
        """Whether it is a thread that we started."""
        begun = [file for file, _, _ in self.frames if not file.endswith("threading.py")]
        return bool(begun) and bool(_OWN.search(begun[-1])) and not self.is_main

    @property
    def users(self) -> list[tuple[str, str, str]]:
        """Frames of the user, innermost first."""
        kept = [f for f in self.frames if not _OWN.search(f[0]) and f[0] not in _LAUNCH]
        while len(kept) > 1 and kept[-1][0].endswith("threading.py") and kept[-1][2] in _THREADING:
            kept.pop()
        return kept


def readable(dump: str) -> str:
    """The dump of one worker; '' if there is nothing in it."""
    threads = _parse(dump)
    main = next((t for t in threads if t.is_main), None) or next((t for t in threads if t.current), None)
    sources = Sources()
    texts = [_told(main, "Main thread", sources)] if main is not None else []
    if main is None and threads:
        texts = [f"[There are more threads than the {len(threads)} shown, and the main one is not among them.]\n"]
    for thread in threads:
        if thread is not main and thread.users and not thread.is_own:
            name = f"Thread {thread.name!r}" if thread.name else f"Thread {thread.ident}"
            texts.append(_told(thread, name, sources))
    return "\n".join(texts)


def _parse(dump: str) -> list[_Thread]:
    threads: list[_Thread] = []
    for line in dump.splitlines():
        if start := _STARTS.match(line):
            threads.append(_Thread(start["ident"], start["name"] or "", bool(start["current"])))
        elif threads and (frame := _FRAME.match(line)):
            threads[-1].frames.append((frame["file"], frame["line"], frame["function"]))
        elif threads and line.strip():
            threads[-1].notes.append(line.strip())
    return threads


def _told(thread: _Thread, name: str, sources: "Sources") -> str:
    lines = [f"{name} (most recent call last):"]
    if "..." in thread.notes:
        lines.append("  [outer frames left out]")
    for file, line, function in reversed(thread.users):
        lines.append(f'  File "{file}", line {line}, in {function}')
        source = sources.line(file, line)
        if source:
            lines.append(f"    {source}")
    if not thread.users:
        lines.append("  [in a function that is not written in Python, or in picloud's own code around it]")
    if "Garbage-collecting" in thread.notes:
        lines.append("  [garbage collection]")
    return "\n".join(lines) + "\n"


class Sources:
    """Lines of source files, as they are now."""

    def __init__(self) -> None:
        self._files: dict[str, list[str]] = {}

    def line(self, file: str, number: str) -> str:
        """Without its indentation; '' when it is not to be had."""
        if not file.endswith(".py") or not number.isdigit():
            return ""
        if file not in self._files:
            self._files[file] = _read(file) if len(self._files) < FILES_MAX else []
        lines = self._files[file]
        return lines[int(number) - 1].strip() if 0 < int(number) <= len(lines) else ""


def _read(path: str) -> list[str]:
    try:
        if not os.path.isfile(path):  # a pipe would keep us waiting
            return []
        with open(path, "rb") as file:
            content = file.read(FILE_MAX_BYTES)
    except (OSError, ValueError):
        return []
    return content.decode("utf-8", "replace").splitlines()
