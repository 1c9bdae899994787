"""The command line where things are amiss: closed streams, narrow terminals, places that are not there."""

import json
import signal
import subprocess

import pytest

from tests.support.command_line import CommandLine
from tests.support.waiting import eventually


def test_commands_that_find_nothing_where_they_run_say_so_without_our_traceback(line: CommandLine) -> None:
    status, said = line.refused("exec", "--wait", "-w", "/nosuch", "pwd")
    assert (status, said.partition(": ")[2].partition(": ")[2]) == (3, "there is no directory '/nosuch' to run in\n")
    status, said = line.refused("exec", "--wait", "-r", "out", "true")
    assert (status, "the command has not written 'out'" in said, len(said.splitlines())) == (3, True, 1), said
    status, said = line.refused("mapexec", "--wait", "-n", "a=3,4", "exit {a}")
    assert (status, "exited with 3\n" in said, "exited with 4\n" in said) == (3, True, True), said
    done = line.run("mapexec", "--wait", "--json", "-n", "a=3", "exit {a}")
    assert json.loads(done.stdout)["error"] == "the command exited with 3"


@pytest.mark.parametrize(
    ("words", "what"),
    [
        (["exec", "-d", "f=@nosuch", "cat {f}"], "nosuch: No such file"),
        (["mapexec", "-N", "a=nosuch", "cat {a}"], "-N: nosuch: No such file"),
        (["mapexec", "-n", "a=1", "-N", "a=-", "cat {a}"], "-n and -N both say what a is"),
        (["mapexec", "-n", "a=1,2", "-n", "b=1", "echo {a}{b}"], "exec: -n and -N need equally many values"),
        (["call", "-m", "-1", "math:sqrt", "9"], "call: --max-runtime must be"),
        (["files", "put", __file__, "/abs"], "put: a file cannot be called '/abs'"),
        (["files", "put", "nosuch"], "nosuch: No such file"),
        (["accounts", "add", " "], "needs a name"),
        (["top", "--follow"], "goes with --json"),
        (
            ["exec", "awk '{print}' /dev/null"],
            r"TIP: -d gives one; braces that are the command's own are written \{ and \}",
        ),
        (["call", "math:sqrt", "-9"], "TIP: after `--`, nothing is an option"),
        (["--url", "http://a", "stop"], "it takes no --url"),
    ],
)
def test_mistakes_are_told_in_the_words_of_options(line: CommandLine, words: list[str], what: str) -> None:
    status, said = line.refused(*words)
    assert (status, what in said) == (2, True), said


def test_streams_that_are_closed_or_full_are_survived(line: CommandLine) -> None:
    picloud = " ".join(line.program)

    def shell(command: str) -> "subprocess.CompletedProcess[str]":
        words = ["bash", "-c", command.replace("picloud", picloud)]
        return subprocess.run(
            words, capture_output=True, text=True, cwd=line.folder, env=line.environment, check=False, timeout=300
        )

    line.text("call", "--wait", "math:sqrt", "9")
    for command in ("picloud jobs >&-", "picloud result - <&-", "picloud top >&- <&-"):
        done = shell(command)
        assert (done.returncode, done.stderr) == (0, ""), command
    done = shell("picloud jobs > /dev/full")
    assert (done.returncode, done.stderr) == (1, "picloud: No space left on device\n")


def test_what_a_terminal_cannot_write_is_shown_as_far_as_it_goes(line: CommandLine) -> None:
    line.text("call", "--wait", "-l", "é☠", "math:sqrt", "9")
    line.environment["PYTHONIOENCODING"] = "ascii"
    try:
        (found,) = line.lines("jobs", "--label", "☠", "-n", "1")
        assert found["label"] == "é☠", "JSON can write everything"
        for words in (["jobs"], ["top"], ["info", str(found["first"])], ["serve", "--help"]):
            done = line.run(*words)
            assert (done.returncode, done.stderr) == (0, b""), words
    finally:
        del line.environment["PYTHONIOENCODING"]


def test_a_setting_that_cannot_be_meant_is_no_mistake_of_usage(line: CommandLine) -> None:
    line.environment["PICLOUD_URL"] = "nowhere"
    try:
        status, said = line.refused("call", "math:sqrt", "9")
    finally:
        del line.environment["PICLOUD_URL"]
    assert (status, said.count("TIP")) == (3, 1), said


def test_ctrl_c_before_the_beginning_ends_without_a_word(line: CommandLine) -> None:
    script = "import os, signal, sys; sys.argv = ['picloud']; import cloud.cli; os.kill(os.getpid(), signal.SIGINT)"
    done = subprocess.run([line.program[0], "-c", script], capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (-signal.SIGINT, b"")
    ignoring = script.replace("import cloud.cli", "signal.signal(2, signal.SIG_IGN); import cloud.cli")
    assert subprocess.run([line.program[0], "-c", ignoring], check=False).returncode == 0, "as a shell's `&` wants it"


def test_tables_and_help_fit_forty_columns(line: CommandLine) -> None:
    line.text("mapexec", "--wait", "-l", "a label that is quite long", "-k", "12", "true")
    jids = line.text("jobs", "--jids", "-n", "1").strip()
    shown = line.on_terminal("jobs", columns=40, NO_COLOR="1").splitlines()
    assert shown[1].startswith(f"{jids}  12 done  true"), "jids are whole"
    assert max(map(len, shown)) <= 40
    assert "SUBMITTED" in line.on_terminal("jobs", columns=60, NO_COLOR="1")
    for words in (["--help"], ["mapexec", "--help"], ["jobs", "--help"]):
        options = line.on_terminal(*words, columns=40).partition("Examples:")[0].splitlines()
        assert [text for text in options if len(text) > 40] == []


def test_what_is_not_there_does_not_keep_others_from_their_turn(line: CommandLine) -> None:
    for name in ("a", "b"):
        line.text("files", "put", "-", name, stdin="x")
    status, said = line.refused("files", "delete", "a", "nosuch", "b")
    assert (status, "there is no file 'nosuch'\nTIP: `picloud files list` shows" in said) == (3, True), said
    assert line.lines("files", "list") == []
    assert line.run("files", "list").stderr == b"no files\n"
    done = line.text("call", "math:sqrt", "9").strip()
    line.text("join", done)
    sleeper = line.text("call", "time:sleep", "60").strip()
    line.text("wait-for", "-s", "processing", sleeper)
    eventually(lambda: line.run("stack", sleeper).returncode == 0)
    shown = line.run("stack", done, sleeper)
    assert (shown.returncode, b"1 of the jobs have no stack" in shown.stderr) == (3, True), shown.stderr
    assert shown.stdout.startswith(f"Stack of job {sleeper}:".encode())
    line.text("kill", "--force", sleeper)


def test_the_own_key_is_shown_with_its_secret(line: CommandLine) -> None:
    assert line.lines("keys", "show")[0]["api_secretkey"]


def test_an_at_sign_can_be_the_first_of_a_value(line: CommandLine) -> None:
    assert line.text("exec", "--wait", "-d", "who=@@home", "echo {who}") == "@home\n"
    found = line.lines("mapexec", "--wait", "-N", "who=-", "echo {who}", stdin="@@a\n@@b@\n")
    assert [each["result"] for each in found] == ["@a\n", "@b@\n"]


def test_a_group_without_a_command_shows_its_help_and_nothing_else(line: CommandLine) -> None:
    done = line.run("keys")
    assert (done.stdout + done.stderr).startswith(b"Usage: picloud keys")
    assert b"TIP" not in done.stdout + done.stderr
