"""The Python of a page: runs blocks that come as lines of JSON, as parts of one program, and answers what each printed.

A program of its own, which is started by `tests.support.pages`. The program of the page is kept in `page.py`, at the
lines at which it stands on the page, so that tracebacks and pickles find it.
"""

import json
import linecache
import os
import sys
import tempfile
import types
from pathlib import Path


def main() -> None:
    asked, answers = os.fdopen(os.dup(0)), os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    program = Path.cwd() / "page.py"
    sys.path[0] = str(program.parent)
    page = types.ModuleType("__main__")
    page.__file__ = str(program)
    sys.modules["__main__"] = page
    with tempfile.TemporaryFile() as printed:
        os.dup2(printed.fileno(), 1)
        os.dup2(printed.fileno(), 2)
        for line in asked:
            raised = run(page, program, *json.loads(line))
            sys.stdout.flush()
            sys.stderr.flush()
            printed.seek(0)
            text = printed.read().decode(errors="replace")
            printed.seek(0)
            printed.truncate()
            print(json.dumps([raised, text]), file=answers)


def run(page: types.ModuleType, program: Path, line: int, text: str) -> bool:
    """Whether it raised; the traceback is printed as Python prints it."""
    before = program.read_text() if program.exists() else ""
    padded = "\n" * (line - 1) + text
    program.write_text(before + "\n" * (line - 1 - before.count("\n")) + text)
    linecache.checkcache(str(program))
    try:
        exec(compile(padded, str(program), "exec"), page.__dict__)
    except BaseException as error:
        own = error.__traceback__ and error.__traceback__.tb_next
        sys.excepthook(type(error), error.with_traceback(own), own)
        return True
    return False


if __name__ == "__main__":
    main()
