"""Shell commands as jobs: templates, files that travel along, results, exit statuses (SPEC B.17)."""

import os
from pathlib import Path

import pytest

import cloud
from cloud.shell.template import bound, check_names, filled, variables
from tests.support.processes import command_line
from tests.support.waiting import eventually


@pytest.fixture(autouse=True)
def _with_a_server(home: Path) -> None:
    cloud.close()


def test_a_command_sees_values_files_and_the_braces_of_the_shell(tmp_path: Path) -> None:
    table = tmp_path / "two words.txt"
    table.write_text("a b\nc\n")
    job = cloud.shell.execute(
        "echo {n} ${HOME:+home} {1..3}; wc -w < {table}; echo aside >&2; test -x {table}",
        {"n": 3, "table": f"@{table}"},
    )
    assert job.result() == "3 home 1 2 3\n3\n"
    assert job.stderr == "aside\n"
    assert job.info("function")["function"].startswith("shell.echo {n}")


def test_results_are_files_or_bytes_and_a_map_has_one_each(tmp_path: Path) -> None:
    jobs = cloud.shell.execute_map(
        "mkdir {name} && printf '{text}\\377' > {name}/out",
        {"text": "x"},
        {"name": ["a", "b"]},
        return_file="{name}/out",
        cwd=str(tmp_path),
    )
    assert jobs.result() == [b"x\xff", b"x\xff"]
    assert sorted(os.listdir(tmp_path / "a") + os.listdir(tmp_path / "b")) == ["out", "out"]


def test_an_exit_status_is_an_error_that_says_what_was_said_unless_it_is_ignored() -> None:
    failing = cloud.shell.execute("echo so much >&2; sleep 60 & exit 4")
    with pytest.raises(cloud.CloudException, match="exited with 4") as found:
        failing.result()
    assert isinstance(found.value.__cause__, cloud.shell.CommandFailed)
    assert found.value.__cause__.exit_status == 4
    assert found.value.__cause__.said == "so much"
    assert cloud.shell.execute("echo out; exit 4", ignore_exit_status=True).result() == "out\n"


def test_a_kill_ends_the_command_and_what_it_started() -> None:
    job = cloud.shell.execute("sleep 1234567 & echo $! $$; wait")
    eventually(lambda: job.stdout != "")
    pids = [int(word) for word in job.stdout.split()]
    job.kill()
    eventually(lambda: not any(command_line(pid) for pid in pids))
    eventually(lambda: job.status == "killed")  # the processes are gone a moment before the job is known to be


def test_names_and_values_must_fit() -> None:
    for command, values, what in (("echo {a}", {}, "no value"), ("echo", {"a": 1}, "there is no")):
        with pytest.raises(ValueError, match=what):
            cloud.shell.execute(command, values)
    with pytest.raises(ValueError, match="two values"):
        cloud.shell.execute_map("echo {a}", {"a": 1}, {"a": [1]})
    with pytest.raises(ValueError, match="same length"):
        cloud.shell.execute_map("echo {a} {b}", {}, {"a": [1], "b": [1, 2]})


def test_a_template_leaves_to_the_shell_what_is_not_a_name() -> None:
    assert variables(r"{a} ${b} \{c\} {} {1..2} {d e} {_f}") == {"a", "_f"}
    assert filled("{a}{a}", {"a": "{a}"}) == "{a}{a}"
    check_names("echo {a}", {"a"}, "here")
    assert bound(7) == "7"
