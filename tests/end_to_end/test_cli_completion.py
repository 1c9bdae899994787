"""What shells are told while somebody types: asked as their scripts ask, and with real bash."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.command_line import CommandLine
from tests.support.waiting import eventually

TOOLS = "def square(x): return x * x\ndef _own(): pass\n"


@pytest.fixture(scope="module")
def line(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CommandLine]:
    folder = tmp_path_factory.mktemp("line")
    (folder / "tools.py").write_text(TOOLS)
    line = CommandLine(folder / "home", folder)
    line.text("start")
    line.text("call", "--wait", "-l", "caf\udce9:\n\x1b[31m, x", "math:sqrt", "9")
    line.text("files", "put", "-", "my file, the:one", stdin="x")
    yield line
    line.run("stop", "--force")


def told(line: CommandLine, shell: str, typed: str) -> list[str]:
    """Lines that a shell's script reads."""
    words = typed.split(" ")
    asked = {
        "bash": {"COMP_LINE": typed, "COMP_WORD": words[-1]},
        "zsh": {"COMP_WORDS": typed, "COMP_CWORD": str(len(words) - 1)},
        "fish": {"COMP_WORDS": typed, "COMP_CWORD": words[-1]},
    }[shell] | {"_PICLOUD_COMPLETE": f"{shell}_complete"}
    line.environment |= asked
    try:
        done = line.run()
    finally:
        for name in asked:
            del line.environment[name]
    assert done.stderr == b"", done.stderr.decode()
    return list(filter(None, done.stdout.decode().splitlines()))


def test_scripts_for_shells_are_printed(line: CommandLine) -> None:
    for shell in ("bash", "zsh", "fish"):
        assert f"_PICLOUD_COMPLETE={shell}_complete" in line.text("completion", shell)


def test_commands_options_and_values_are_whole_words(line: CommandLine) -> None:
    assert told(line, "bash", "picloud mapex") == ["plain,mapexec"]
    assert told(line, "zsh", "picloud mapex") == ["plain", "mapexec", "Run a shell command as a job for each of..."]
    assert told(line, "fish", "picloud jobs --status=kil") == ["plain,--status=killed"]
    assert told(line, "bash", "picloud -o js") == ["plain,json"]
    assert told(line, "fish", "picloud info -o status,mem") == ["plain,status,memory"]
    assert told(line, "fish", "picloud files put too") == ["file,too"]


def test_functions_of_a_script_are_named(line: CommandLine) -> None:
    assert told(line, "fish", "picloud call too") == ["file,too"]
    assert told(line, "fish", "picloud call tools.py:") == ["plain,tools.py:square"]
    assert told(line, "zsh", "picloud map tools:sq") == ["plain", "tools:square", "_"]
    assert told(line, "fish", "picloud call nosuch.py:") == []


def test_what_the_server_knows_is_proposed_on_a_line_each(line: CommandLine) -> None:
    # the server has half a second to answer, then there are no proposals
    assert eventually(lambda: told(line, "zsh", "picloud result ")) == ["plain", "1", "math.sqrt caf :  [31m, x"]
    assert eventually(lambda: told(line, "bash", "picloud files get my")) == ["plain,my file, the:one"]
    assert eventually(lambda: told(line, "fish", "picloud keys show 1")) == [
        "plain,1\tof the user whose server this is"
    ]


def test_without_a_server_none_is_started(line: CommandLine, tmp_path: Path) -> None:
    elsewhere = CommandLine(tmp_path / "elsewhere", line.folder)
    assert told(elsewhere, "bash", "picloud result ") == []
    assert not elsewhere.lines("status")[0]["running"]


def test_bash_puts_whole_words_where_it_breaks_them(line: CommandLine) -> None:
    script = line.text("completion", "bash")

    def completed(typed: str, *words: str) -> str:
        own = f"PATH={line.folder}:$PATH; COMP_LINE='{typed}'; COMP_POINT={len(typed)}; COMP_CWORD={len(words) - 1}"
        asks = f'COMP_WORDS=({" ".join(words)}); _picloud_completion picloud; echo "${{COMPREPLY[@]}}"'
        done = subprocess.run(
            ["bash", "-c", f"complete() {{ :; }}\n{script}\n{own}; {asks}"],
            capture_output=True, text=True, cwd=line.folder, env=line.environment, check=True,
        )  # fmt: skip
        assert done.stderr == ""
        return done.stdout.strip()

    program = line.folder / "picloud"
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m cloud.cli "$@"\n')
    program.chmod(0o755)
    assert completed("picloud jobs --status=kil", "picloud", "jobs", "--status", "=", "kil") == "killed"
    assert completed("picloud call tools.py:", "picloud", "call", "tools.py", ":") == "square"
    assert (
        eventually(lambda: completed("picloud files get my", "picloud", "files", "get", "my")) == r"my\ file\,\ the:one"
    )
