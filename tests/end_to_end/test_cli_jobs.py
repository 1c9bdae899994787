"""Jobs from the shell: made, listed, looked at, waited for, ended; for people, for pipes and for programs."""

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.command_line import CommandLine, Step, Watched
from tests.support.waiting import eventually

TOOLS = """
import sys, time

def square(x, scale=1):
    print("squaring", x)
    print("aside", file=sys.stderr)
    return x * x * scale

def fail(x):
    raise ValueError(f"no {x}")

def raw():
    return bytes([0, 255, 10])

def strange():
    return {1, 2}

def text(x):
    return x

def sleep(seconds):
    print("asleep", flush=True)
    time.sleep(seconds)
"""


@pytest.fixture(scope="module")
def line(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CommandLine]:
    folder = tmp_path_factory.mktemp("line")
    (folder / "my-tools.py").write_text(TOOLS)
    line = CommandLine(folder / "home", folder)
    line.text("start")
    yield line
    line.run("stop", "--force")


@pytest.fixture
def watched(line: CommandLine, tmp_path: Path) -> Iterator[Watched]:
    watched = Watched(line, tmp_path / "elsewhere")
    yield watched
    watched.proxy.close()


# --- making jobs


def test_a_function_of_a_script_or_module_runs_with_arguments_as_json_text_and_names(line: CommandLine) -> None:
    assert line.text("call", "--wait", "my-tools.py:square", "7", "scale=2") == "98\n"
    assert line.text("call", "--wait", "my-tools:text", "--", "-7") == "-7\n"
    assert line.text("call", "--wait", "--text", "my-tools.py:text", "7") == "7"
    assert line.text("call", "--wait", "statistics:mean", "[1, 2, 6]") == "3\n"
    assert line.lines("call", "--wait", "--args", '{"x": 3}', "my-tools.py:square")[0]["result"] == 9


def test_jobs_use_the_command_line_with_their_own_token(line: CommandLine) -> None:
    picloud = f"{sys.executable} -m cloud.cli"
    looks = f"{picloud} jobs --label inside --json; {picloud} keys list 2>&1"
    said = line.text("exec", "--wait", "--ignore-exit-status", "-l", "inside", looks)
    assert json.loads(said.splitlines()[0])["counts"] == {"processing": 1}
    assert "a job cannot manage keys" in said
    assert line.text("exec", "--wait", f"{picloud} call --wait math:sqrt 9") == "3.0\n"


def test_jids_go_from_one_command_to_the_next(line: CommandLine) -> None:
    jids = line.text("map", "my-tools.py:square", "-", stdin="1\n2\n\n3\n")
    first, last = map(int, jids.split("-"))
    assert last - first == 2
    found = line.lines("result", "-", stdin=jids)
    assert [each["result"] for each in found] == [1, 4, 9]
    assert [each["jid"] for each in found] == [first, first + 1, last]
    assert line.text("result", f"{first},{last}") == f"Result for jid {first}:\n1\nResult for jid {last}:\n9\n"
    assert line.text("join", jids.strip()) == ""


def test_options_of_jobs_are_told(line: CommandLine) -> None:
    jid = line.text("call", "my-tools.py:text", "a", "-l", "one").strip()
    after = line.text("call", "-x", jid, "--priority", "3", "-m", "5", "--not-restartable", "my-tools.py:text", "b")
    told = line.lines("info", "-o", "attributes,label", after.strip())[0]["attributes"]
    assert (told["priority"], told["restartable"], told["max_runtime_seconds"]) == (3, False, 300)
    assert told["depends_on"] == [[int(jid), int(jid) + 1]]


def test_results_are_binary_safe_and_what_cannot_be_json_says_so(line: CommandLine) -> None:
    jid = line.text("call", "my-tools.py:raw").strip()
    assert line.run("result", jid).stdout == bytes([0, 255, 10])
    jid = line.text("call", "my-tools.py:strange").strip()
    assert line.text("result", jid) == "{1, 2}\n"
    refused = line.run("result", "--json", jid)
    assert (refused.returncode, json.loads(refused.stdout)["repr"]) == (3, "{1, 2}")


def test_commands_of_the_shell_are_jobs(line: CommandLine) -> None:
    (line.folder / "table").write_text("a b c\n")
    jid = line.text("exec", "-d", "table=@table", "wc -w < {table}").strip()
    assert line.text("result", jid) == "3\n"
    assert line.text("exec", "--wait", "printf", "%s|", "two words", "x") == "two words|x|"
    status, said = line.refused("exec", "--wait", "echo so >&2; exit 5")
    assert (status, said.partition(": ")[2].partition(": ")[2]) == (3, "the command exited with 5:\nso\n")
    found = line.lines("mapexec", "--wait", "-n", r"a=1,2\,3", "-d", "b=x", "echo {a}{b}")
    assert [each["result"] for each in found] == ["1x\n", "2,3x\n"]
    (line.folder / "names").write_text("@table\n\nplain\n")
    assert line.text("mapexec", "--wait", "-N", "n=names", "echo {n}").count("table\n") == 1
    assert len(line.lines("mapexec", "--wait", "-k", "3", "echo")) == 3


# --- looking at them


def test_jobs_are_listed_newest_first_and_found_by_what_they_are(line: CommandLine) -> None:
    line.text("map", "--wait", "-l", "found", "my-tools.py:text", "1", "2")
    line.refused("call", "--wait", "-l", "found", "my-tools.py:fail", "1")
    labelled = line.lines("jobs", "--label", "foun")
    assert [(row["count"], row["counts"]) for row in labelled] == [(1, {"error": 1}), (2, {"done": 2})]
    assert line.lines("jobs", "--label", "found", "--status", "error") == labelled[:1]
    assert line.lines("jobs", "--function", "tools.fail", "--limit", "1") == labelled[:1]
    assert line.lines("jobs", str(labelled[1]["last"])) == labelled[1:]
    assert line.lines("jobs", "--label", "found", "--since", "1h") == labelled
    assert line.lines("jobs", "--label", "found", "--since", "2999-01-01") == []
    table = line.text("jobs", "--label", "found").splitlines()
    assert table[0].split() == ["JIDS", "STATUS", "FUNCTION", "LABEL", "SUBMITTED"]
    assert "my-tools.fail" in table[1]


def test_jids_of_a_status_leave_out_the_other_jobs_of_a_map(line: CommandLine) -> None:
    jids = line.text("map", "-l", "mixed", "my-tools.py:square", "1", "x", "2").strip()
    assert line.run("join", "--ignore-errors", jids).returncode == 0
    middle = int(jids.split("-")[0]) + 1
    assert line.text("jobs", "--label", "mixed", "--status", "error", "--jids").split() == [str(middle)]
    assert line.text("jobs", "--label", "mixed", "--jids").split() == [jids]
    line.text("delete", str(middle))
    assert line.text("jobs", "--label", "mixed", "--jids").split() == [str(middle - 1), str(middle + 1)]
    assert line.refused("info", str(middle))[0] == 3


def test_what_is_known_of_jobs_and_what_they_printed(line: CommandLine) -> None:
    jid = line.text("call", "my-tools.py:square", "5").strip()
    line.text("join", jid)
    assert line.text("output", jid) == "squaring 5\n"
    assert line.text("output", "--stream", "stderr", jid) == "aside\n"
    shown = line.text("info", "-o", "status,stdout,label", jid)
    assert shown == "status: done\nstdout: squaring 5\n"
    assert line.text("status", jid) == f"{jid}  done\n"
    assert line.lines("status", jid) == [{"jid": int(jid), "status": "done"}]
    assert line.lines("output", jid) == [{"jid": int(jid), "stdout": "squaring 5\n"}]
    assert line.lines("info", "-o", "created", jid)[0]["created"].endswith("+00:00")
    assert line.lines("info", "-o", "status", jid, jid) == [{"jid": int(jid), "status": "done"}]


def test_top_shows_once_what_goes_on_where_there_is_no_terminal(line: CommandLine) -> None:
    jid = line.text("call", "-l", "topmost", "my-tools.py:sleep", "60").strip()
    eventually(lambda: line.text("output", jid) == "asleep\n")
    eventually(lambda: "1 of 2 slots busy" in line.text("top"))
    shown = line.text("top")
    assert [row.split()[0] for row in shown.splitlines() if row.split()[:1] == [jid]] == [jid, jid], (
        "running, and newest"
    )
    found = line.lines("top")[0]
    assert (found["processing"], found["running"][0]["jid"]) == (1, int(jid))
    line.text("kill", "--force", jid)


def test_top_on_a_terminal_is_live_and_ends_with_q(line: CommandLine) -> None:
    gate = line.text("call", "my-tools.py:sleep", "60").strip()
    jids = line.text("map", "-x", gate, "-l", "later", "--depends-on-errors", "ignore", "my-tools.py:text", "1", "2")
    steps: list[Step] = [(b"0 of 2 done", lambda: line.text("kill", "--force", gate)), (b"2 of 2 done", b"q")]
    shown = line.on_terminal("top", columns=100, steps=steps)
    assert jids.strip() in shown
    assert shown.rstrip().endswith("\x1b[?1049l"), "the screen is as it was"
    shown = line.on_terminal("top", steps=[(b"JIDS", b"\x03")])
    assert (line.status, "Traceback" in shown, "\x1b[?1049l" in shown) == (130, False, True)


def test_output_is_followed_live_until_the_end(line: CommandLine) -> None:
    jid = line.text("call", "my-tools.py:sleep", "60").strip()
    with line.start("output", "--follow", jid, stdout=subprocess.PIPE) as following:
        assert following.stdout is not None
        assert following.stdout.readline() == b"asleep\n"
        line.text("kill", "--force", jid)
        assert following.stdout.read() == b""
    assert following.returncode == 0


def test_why_and_where_jobs_are(line: CommandLine) -> None:
    jid = line.text("call", "my-tools.py:sleep", "60").strip()
    after = line.text("call", "-x", jid, "my-tools.py:text", "a").strip()
    eventually(lambda: line.text("output", jid) == "asleep\n")
    assert jid in line.text("why", after)
    assert line.lines("why", jid, after)[1]["why"] == line.text("why", after).strip()
    eventually(lambda: "time.sleep(seconds)" in line.text("stack", jid))
    status, said = line.refused("stack", after)
    assert (status, "only a running job has a stack" in said) == (3, True), said
    line.text("kill", "--force", jid)


# --- ending them


def test_finished_jobs_run_once_more(line: CommandLine) -> None:
    jids = line.text("map", "-l", "again", "my-tools.py:text", "a", "b", "c").strip()
    line.text("join", jids)
    first = int(jids.split("-")[0])
    again = line.text("rerun", f"{first + 1}-{first + 2}").strip()
    assert [each["result"] for each in line.lines("result", again)] == ["b", "c"]
    assert line.lines("rerun", str(first))[0]["count"] == 1


def test_a_kill_ends_what_runs(line: CommandLine) -> None:
    jid = line.text("call", "-l", "sleeper", "my-tools.py:sleep", "60").strip()
    eventually(lambda: line.text("output", jid) == "asleep\n")
    line.text("kill", "--force", jid)
    assert line.refused("join", jid)[0] == 3
    assert line.lines("info", "-o", "status", jid)[0]["status"] == "killed"
    assert line.text("jobs", "--label", "sleeper", "--status", "killed", "--jids").strip() == jid


@pytest.mark.parametrize(
    ("words", "count"),
    [(["exec", "--wait", "echo asleep; sleep 60"], 1), (["mapexec", "--wait", "-k", "2", "echo asleep; sleep 60"], 2)],
)
def test_who_stops_waiting_is_told_which_jobs_go_on(
    line: CommandLine, watched: Watched, words: list[str], count: int
) -> None:
    with watched.line.start(
        *words[:1], "-l", f"abandoned {count}", *words[1:], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as waiting:
        eventually(lambda: watched.waits)
        jids = line.text("jobs", "--label", f"abandoned {count}", "--jids").strip()
        waiting.send_signal(signal.SIGINT)
        _, said = waiting.communicate(timeout=300)
    assert waiting.returncode == 130
    assert f"`picloud kill {jids}` ends {'it' if count == 1 else 'them'}" in said.decode()
    line.text("kill", "--force", jids)


def test_a_label_of_any_text_is_shown_on_a_line(line: CommandLine) -> None:
    jid = line.text("call", "-l", "caf\udce9\x1b[31m\nname: x", "my-tools.py:square", "7", "--wait")
    assert jid == "49\n"
    (found,) = line.lines("jobs", "--function", "square", "--label", "name: x")
    assert found["label"] == "caf\udce9\x1b[31m\nname: x"
    shown = line.text("info", str(found["first"])).splitlines()
    assert "label: caf  [31m name: x" in shown
    assert line.lines("info", "-o", "label", str(found["first"]))[0]["label"] == found["label"]
    assert "caf" in line.text("jobs", "--label", "name: x")


# --- errors, pipes and terminals


@pytest.mark.parametrize(
    ("arguments", "what"),
    [
        (["call", "nosuch:f"], "there is no module 'nosuch'"),
        (["call", "my-tools.py:nosuch"], "there is no 'nosuch' in my-tools.py"),
        (["call", "my-tools.py:square"], "missing a required argument"),
        (["call", "square"], "write module:function"),
        (["exec", "echo {a}"], "no value for {a}"),
        (["mapexec", "echo"], "-n, -N or -k"),
        (["result", "x"], "'x' names no jobs"),
        (["info", "-o", "nosuch", "1"], "there is no 'nosuch'"),
        (["kill"], "--all"),
        (["jobs", "--since", "then"], "is no time"),
        (["config", "nosuch"], "there is no option"),
        (["reslt"], "did you mean 'result'"),
    ],
)
def test_wrong_usage_is_said_in_a_sentence(line: CommandLine, arguments: list[str], what: str) -> None:
    status, said = line.refused(*arguments)
    assert (status, what in said, len(said.splitlines()) <= 2) == (2, True, True), said


def test_a_module_that_cannot_be_imported_shows_where(line: CommandLine) -> None:
    (line.folder / "broken.py").write_text("import json\n1 / 0\n")
    status, said = line.refused("call", "broken:f")
    assert (status, said.splitlines()[1].strip()) == (1, f'File "{line.folder}/broken.py", line 2, in <module>')
    assert said.splitlines()[-1] == "picloud: broken cannot be imported"


def test_errors_of_jobs_and_of_the_service_end_with_3(line: CommandLine) -> None:
    status, said = line.refused("call", "--wait", "my-tools.py:fail", "7")
    assert (status, "ValueError: no 7" in said) == (3, True)
    status, said = line.refused("result", "999999")
    assert (status, "there is no such job" in said) == (3, True)
    assert line.run("result", "-", stdin="").returncode == 0


def test_a_reader_that_leaves_is_no_error_worth_a_word(line: CommandLine) -> None:
    with line.start("exec", "--wait", "seq 300000", stdout=subprocess.PIPE, stderr=subprocess.PIPE) as running:
        assert running.stdout is not None
        assert running.stderr is not None
        assert running.stdout.readline() == b"1\n"
        running.stdout.close()
        assert running.stderr.read() == b""
        running.wait(120)


def test_ctrl_c_leaves_no_traceback(line: CommandLine, watched: Watched) -> None:
    jid = line.text("call", "my-tools.py:sleep", "60").strip()
    with watched.line.start("result", jid, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as running:
        eventually(lambda: watched.waits)
        running.send_signal(signal.SIGINT)
        said = running.communicate(timeout=300)[1]
    assert (running.returncode, said.strip()) == (130, b"")
    line.text("kill", "--force", jid)


def test_tables_fit_the_terminal_and_are_coloured_there_only(line: CommandLine) -> None:
    line.text("exec", "--wait", "-l", "wide", "echo " + "long " * 40 + "\x1b[31m")
    shown = line.on_terminal("jobs", "--label", "wide", columns=70)
    plain = line.on_terminal("jobs", "--label", "wide", columns=70, NO_COLOR="1")
    assert "\x1b[32mdone" in shown
    assert "\x1b[31m" not in shown
    assert "\x1b" not in plain
    assert "…" in plain
    assert max(map(len, plain.splitlines())) <= 70
    piped = line.text("jobs", "--label", "wide")
    assert "\x1b" not in piped
    assert "…" not in piped


# --- what is around jobs


def test_files_go_there_and_back(line: CommandLine) -> None:
    line.text("files", "put", "my-tools.py", "a/tools")
    line.text("files", "put", "-", "a/stdin", stdin="from a pipe")
    assert [file["name"] for file in line.lines("files", "list", "a/")] == ["a/stdin", "a/tools"]
    assert line.text("files", "get", "a/stdin", "-") == "from a pipe"
    line.text("files", "get", "a/tools", "copy.py")
    assert (line.folder / "copy.py").read_text() == TOOLS
    assert len(line.text("files", "md5", "a/tools").strip()) == 32
    line.text("files", "delete", "a/tools", "a/stdin")
    assert line.refused("files", "get", "a/tools")[0] == 3


def test_another_server_is_spoken_to_by_its_address_and_a_key(line: CommandLine, tmp_path: Path) -> None:
    own = line.lines("status")[0]
    made = line.lines("keys", "create")[0]
    away = CommandLine(tmp_path / "elsewhere", line.folder)
    away.environment |= {
        "PICLOUD_URL": own["url"],
        "PICLOUD_API_KEY": made["api_key"],
        "PICLOUD_API_SECRETKEY": made["api_secretkey"],
    }
    assert away.text("call", "--wait", "my-tools.py:text", "hello") == "hello"
    assert away.lines("status")[0]["server_id"] == own["server_id"]
    assert f"address    {own['url']}/" in away.text("status")
    assert own["url"] in away.text("top")
    away.environment["PICLOUD_API_SECRETKEY"] = "wrong"
    assert away.refused("jobs")[0] == 3


def test_keys_are_made_and_switched(line: CommandLine) -> None:
    made = line.lines("keys", "create", "--note", "for tests")[0]
    assert made["api_secretkey"]
    line.text("keys", "deactivate", made["api_key"])
    listed = {key["api_key"]: key for key in line.lines("keys", "list")}
    assert (listed[made["api_key"]]["active"], listed[made["api_key"]]["note"]) == (False, "for tests")
    line.text("keys", "activate", made["api_key"])
    assert line.lines("keys", "show", made["api_key"])[0]["active"]


def test_settings_say_where_they_come_from(line: CommandLine) -> None:
    found = {each["option"]: each for each in line.lines("config")}
    assert found["num_procs"] == {"option": "num_procs", "value": 2, "from": "PICLOUD_WORKERS"}
    assert found["save_log"]["from"] == "default"
    assert line.text("config", "num_procs") == "2\n"
    assert line.text("config", "--path").strip() == f"{line.environment['PICLOUD_HOME']}/cloudconf.py"
