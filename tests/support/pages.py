"""Pages of documentation as programs: their blocks run in order, in a folder and with a server of their own.

What stands behind the language of a block says how it is meant:

    ```python                       runs, in the one Python of the page
    ```python file=sweep.py         becomes that file; any language
    ```python unrun: needs Celery   cannot run here, for that reason; must be Python at least
    ```text                         right after Python that runs: what that printed
    ```console                      after each `$ ` a command, in the one shell of the page; then what it printed
    ```sh                           commands in the same shell; after one that fails nothing more runs

In what is printed, `…` stands for anything in a line, and on a line of its own for any lines. A comment `# prints: 49`
in Python says it too, when no text follows.
"""

import ast
import contextlib
import json
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from types import TracebackType

SESSION = Path(__file__).with_name("page_session.py")
MARK = "-- end of command --"
BLOCK = re.compile(r"^```(?P<language>\w+) *(?P<said>[^\n]*)\n(?P<text>.*?)^```", re.MULTILINE | re.DOTALL)
COMMAND = re.compile(r"^\$ (?P<command>[^\n]*\n(?:> [^\n]*\n)*)(?P<printed>(?:(?!\$ )[^\n]*\n)*)", re.MULTILINE)


@dataclass(frozen=True)
class Block:
    """Fenced lines of a page; `line` is the number of the first one, `unrun` why they cannot run, '' if they can."""

    line: int
    language: str
    text: str
    file: str
    unrun: str
    follows: bool
    """Whether there is nothing but an empty line between this block and the one before."""


def blocks(page: str) -> list[Block]:
    """All fenced blocks that name a language, in order.

    Raises:
        ValueError: what stands behind a language means nothing, or gives no reason.
    """
    found, end = [], 0
    for match in BLOCK.finditer(page):
        line = page.count("\n", 0, match.start()) + 2
        said = re.fullmatch(r"(?:file=(?P<file>[\w./-]+)|unrun: (?P<unrun>\S.*))?", match["said"])
        if said is None:
            raise ValueError(f"line {line}: `{match['said']}` behind the language of a block means nothing")
        follows = not page[end : match.start()].strip()
        found.append(Block(line, match["language"], match["text"], said["file"] or "", said["unrun"] or "", follows))
        end = match.end()
    return found


def malformed(page: str) -> list[str]:
    """Blocks of Python, and of the shell, that are none; also those that are not to be run."""
    wrong = []
    for block in blocks(page):
        if block.language == "python":
            try:
                compile(block.text, f"line {block.line}", "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT | ast.PyCF_ONLY_AST)
            except SyntaxError as error:
                wrong.append(f"line {block.line}: {error}")
        elif block.language in ("console", "sh"):
            lines = block.text if block.language == "sh" else "\n".join(c for c, _ in commands(block.text))
            checked = subprocess.run(["bash", "-n"], input=lines, capture_output=True, text=True, check=False)
            if checked.returncode or not lines.strip():
                wrong.append(f"line {block.line}: {checked.stderr or 'no `$ ` begins a command'}")
    return wrong


def commands(text: str) -> Iterator[tuple[str, str]]:
    """Commands of a console, and what each is said to print."""
    for match in COMMAND.finditer(text):
        yield match["command"].replace("\n> ", "\n").rstrip("\n"), match["printed"]


def matches(expected: str, printed: str) -> bool:
    """Whether `printed` is what `expected` says; spaces at the ends of lines and of the whole do not count."""
    lines = [line.rstrip() for line in expected.strip("\n").split("\n")]
    pattern = "".join(
        r"(?:.*\n)*?" if line.strip() == "…" else ".*?".join(map(re.escape, line.split("…"))) + "\n" for line in lines
    )
    text = "\n".join(line.rstrip() for line in printed.strip("\n").split("\n")) + "\n"
    return re.fullmatch(pattern, text) is not None


class Page:
    """A page that runs; used in a `with`, at whose end its Python and its shell end."""

    def __init__(self, path: Path, folder: Path, environment: dict[str, str]) -> None:
        """`folder`: where commands run and files appear."""
        self._blocks = blocks(path.read_text())
        self._folder = folder
        where = {"cwd": folder, "env": environment, "text": True, "stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
        self._shell: subprocess.Popen[str] = subprocess.Popen(
            ["bash", "--norc"], stderr=subprocess.STDOUT, bufsize=1, **where
        )  # type: ignore[call-overload]
        self._python: subprocess.Popen[str] = subprocess.Popen(
            [sys.executable, "-W", "error", str(SESSION)], bufsize=1, **where
        )  # type: ignore[call-overload]
        self._limit = threading.Timer(300, self._end)

    def __enter__(self) -> "Page":
        self._limit.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._limit.cancel()
        self._end()

    def complaints(self) -> Iterator[str]:
        """What is not as the page says, block by block."""
        for block, following in zip_longest(self._blocks, self._blocks[1:]):
            if block.unrun:
                continue
            if block.file:
                (self._folder / block.file).parent.mkdir(parents=True, exist_ok=True)
                (self._folder / block.file).write_text(block.text)
            elif block.language == "python":
                told = following is not None and following.follows and following.language == "text"
                yield from self._run(block, following.text if following is not None and told else None)
            elif block.language == "console":
                for command, expected in commands(block.text):
                    _, printed = self._command(command)
                    if not matches(expected, printed):
                        yield f"line {block.line}: $ {command}\nprinted\n{printed}\nand not\n{expected}"
            elif block.language == "sh":
                status, printed = self._command(f"set -e\n{block.text}\nset +e")
                if status:
                    yield f"line {block.line}: failed:\n{printed}"
                    return

    def _run(self, block: Block, expected: str | None) -> Iterator[str]:
        assert self._python.stdin is not None
        assert self._python.stdout is not None
        print(json.dumps([block.line, block.text]), file=self._python.stdin)
        answer = self._python.stdout.readline()
        if not answer:
            yield f"line {block.line}: Python ended"
            return
        raised, printed = json.loads(answer)
        if expected is None and not raised and (comments := re.findall(r"# prints: (.*)", block.text)):
            expected = "\n".join(comments)
        if expected is not None and not matches(expected, printed):
            yield f"line {block.line}: printed\n{printed}\nand not\n{expected}"
        elif expected is None and raised:
            yield f"line {block.line}: {printed}"

    def _command(self, command: str) -> tuple[int, str]:
        """Exit status, and what was written to either output."""
        assert self._shell.stdin is not None
        assert self._shell.stdout is not None
        with contextlib.suppress(BrokenPipeError):  # the shell may end before it has read everything
            self._shell.stdin.write(f"{{ {command}\n}} </dev/null\nended=$?; echo; echo '{MARK}' $ended\n")
        printed: list[str] = []
        for line in self._shell.stdout:
            if line.startswith(MARK):
                return int(line.split()[-1]), "".join(printed)
            printed.append(line)
        return 1, "".join(printed) + "the shell ended"

    def _end(self) -> None:
        for process in (self._shell, self._python):
            with contextlib.suppress(BrokenPipeError):
                if process.stdin is not None:
                    process.stdin.close()
            try:
                process.wait(60)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            if process.stdout is not None:
                process.stdout.close()


def surroundings(home: Path) -> dict[str, str]:
    """As a user has it who has just installed picloud: `python` and `picloud` are found, nothing is configured."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PICLOUD_") or "TEST" in name}
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return kept | {"HOME": str(home), "PATH": path, "PICLOUD_WORKERS": "2"}
