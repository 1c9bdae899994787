"""Options before the command, and PiCloud's commands that are not there."""

import json
from pathlib import Path

import pytest

from tests.support.command_line import CommandLine


@pytest.fixture
def away(line: CommandLine, tmp_path: Path) -> CommandLine:
    """Another config directory, without a server or a key."""
    return CommandLine(tmp_path / "elsewhere", line.folder)


def test_a_server_and_a_key_are_named_for_one_command(line: CommandLine, away: CommandLine) -> None:
    own, made = line.lines("status")[0], line.lines("keys", "create")[0]
    away.environment["PICLOUD_URL"] = "http://127.0.0.1:9"
    proof = ["--url", own["url"], "-a", made["api_key"], "-k", made["api_secretkey"]]
    assert away.text(*proof, "call", "--wait", "math:sqrt", "9") == "3.0\n"
    assert json.loads(away.text(*proof, "status", "--json"))["server_id"] == own["server_id"]
    status, said = away.refused(*proof[:-1], "wrong", "jobs")
    assert status == 3
    assert away.refused("--url", own["url"], "jobs")[0] == 3, "nothing was kept"
    status, said = away.refused("--url", "nowhere", "jobs")
    assert (status, "expected an address" in said) == (2, True), said


def test_another_key_does_not_get_the_secret_of_the_one_that_is_set(line: CommandLine) -> None:
    one, other = (line.lines("keys", "create")[0] for _ in range(2))
    line.environment |= {"PICLOUD_API_KEY": one["api_key"], "PICLOUD_API_SECRETKEY": one["api_secretkey"]}
    try:
        assert json.loads(line.text("-a", other["api_key"], "keys", "show", "--json"))["api_key"] == other["api_key"]
    finally:
        del line.environment["PICLOUD_API_KEY"], line.environment["PICLOUD_API_SECRETKEY"]


def test_a_secret_alone_names_nobody(line: CommandLine) -> None:
    status, said = line.refused("-k", "x", "jobs")
    assert (status, "give both" in said) == (2, True), said


def test_json_and_headers_are_chosen_for_whatever_follows(line: CommandLine) -> None:
    jid = int(line.text("-o", "json", "call", "math:sqrt", "9").partition(":")[2].strip(" }\n"))
    assert json.loads(line.text("-o", "json", "result", str(jid))) == {"jid": jid, "status": "done", "result": 3.0}
    assert json.loads(line.text("-o", "json", "keys", "list").splitlines()[0])["active"] is True
    assert line.text("-o", "default", "result", str(jid)) == "3.0\n"
    shown = line.text("--output", "no-header", "jobs")
    assert shown.split()[:3] == [str(jid), "done", "math.sqrt"]
    assert len(line.text("jobs").splitlines()) == len(shown.splitlines()) + 1


def test_more_is_said_on_request(line: CommandLine) -> None:
    quiet, loud = (line.run(*words, "call", "math:sqrt", "9") for words in ([], ["-v"]))
    assert quiet.stderr == b""
    assert b"connected to http://127.0.0.1:" in loud.stderr


def test_jobs_of_the_simulator_are_not_said_to_go_on(away: CommandLine) -> None:
    shown = away.on_terminal("-s", "exec", "sleep 60", steps=[(b"processing", b"\x03")])
    assert (away.status, "go on" in shown, "goes on" in shown) == (130, False, False), shown


def test_jobs_run_in_the_simulator_without_a_server(away: CommandLine) -> None:
    assert away.text("-s", "exec", "-d", "a=b", "echo {a}") == "b\n"
    assert [
        json.loads(text)["result"] for text in away.text("-s", "-o", "json", "map", "math:sqrt", "4", "9").splitlines()
    ] == [2, 3]
    assert away.refused("-s", "exec", "exit 3")[0] == 3
    assert not away.lines("status")[0]["running"]
    away.environment["PICLOUD_USE_SIMULATOR"] = "1"
    assert away.text("call", "math:sqrt", "9") == "3.0\n", "nobody could ask for it later"
    del away.environment["PICLOUD_USE_SIMULATOR"]
    status, said = away.refused("--simulate", "jobs")
    assert (status, "call, map, exec and mapexec" in said) == (2, True), said


@pytest.mark.parametrize(
    ("words", "instead"),
    [(["ssh", "7"], "picloud stack"), (["bucket", "list"], "picloud files"), (["cron", "list"], "crontab")],
)
def test_commands_that_are_not_there_say_what_is(line: CommandLine, words: list[str], instead: str) -> None:
    status, said = line.refused(*words)
    assert (status, instead in said, len(said.splitlines())) == (2, True, 2), said
