"""S60-S62: what happens is told to the logger `Cloud` and written to cloud.log; nothing is printed by default."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

USE = """
import logging, cloud
from cloud import mp
mp.result(mp.call(abs, 1))
logging.getLogger("Cloud").{level}("of the program's own")
mp.close()
"""
LINE = re.compile(r"\[\w{3} \w{3} [ \d]\d \d\d:\d\d:\d\d \d{4}\] - \[(\w+)\] - (Cloud[.\w]*)\((\d+)\): (.*)")


def program(code: str, home: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PICLOUD_HOME": str(home), "PICLOUD_WORKERS": "1", **variables}
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=300, env=environment, check=True
    )


def logged(home: Path) -> list[tuple[str, ...]]:
    """Level, logger, process and message of each line."""
    found = [LINE.fullmatch(line) for line in (home / "cloud.log").read_text().splitlines()]
    assert all(found)
    return [match.groups() for match in found if match]


def test_messages_from_info_up_go_to_the_log_and_nowhere_else(tmp_path: Path) -> None:
    """S61, S62, S62a."""
    done = program(USE.format(level="debug"), tmp_path)
    assert (done.stdout, done.stderr) == ("", "")
    (line,) = logged(tmp_path)
    assert (line[0], line[1], line[3]) == ("INFO", "Cloud.mp", "opened, with 1 worker processes")
    assert int(line[2]) > 0


def test_even_errors_are_not_printed(tmp_path: Path) -> None:
    """S62: so that programs under WSGI may use it."""
    done = program(USE.format(level="critical"), tmp_path)
    assert (done.stdout, done.stderr) == ("", "")
    assert ("CRITICAL", "Cloud") in [line[:2] for line in logged(tmp_path)]


def test_log_level_says_what_is_written(tmp_path: Path) -> None:
    """S61."""
    program(USE.format(level="debug"), tmp_path, PICLOUD_LOG_LEVEL="debug")
    assert ("DEBUG", "Cloud") in [line[:2] for line in logged(tmp_path)]
    program(USE.format(level="warning"), tmp_path / "other", PICLOUD_LOG_LEVEL="error")
    assert not (tmp_path / "other" / "cloud.log").exists()


def test_print_log_level_says_what_is_printed(tmp_path: Path) -> None:
    """S62: lower it to see messages."""
    (tmp_path / "cloudconf.py").write_text("print_log_level = 'WARNING'\n")
    done = program(USE.format(level="warning"), tmp_path)
    assert [match.group(4) for line in done.stderr.splitlines() if (match := LINE.fullmatch(line))] == [
        "of the program's own"
    ]


def test_save_log_off_writes_nothing_but_handlers_of_the_program_hear_all_the_same(tmp_path: Path) -> None:
    """S60: the program may add handlers of its own."""
    code = "import logging; logging.basicConfig(format='%(name)s: %(message)s')\n" + USE.format(level="info")
    done = program(code, tmp_path, PICLOUD_SAVE_LOG="no")
    assert done.stderr.splitlines() == [
        "Cloud.mp: opened, with 1 worker processes",
        "Cloud: of the program's own",
    ]
    assert not (tmp_path / "cloud.log").exists()


def test_a_home_that_cannot_be_written_costs_the_log_only(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    done = program(USE.format(level="critical"), tmp_path / "file" / "home")
    assert (done.stdout, done.stderr) == ("", "")


def test_the_failure_of_a_job_is_in_the_log_when_it_is_raised(tmp_path: Path) -> None:
    code = """
from cloud import mp
for wait in (mp.result, mp.join):
    try: wait(mp.call(lambda: 1 / 0))
    except Exception: pass
"""
    assert program(code, tmp_path).stderr == ""
    said = [(level, message) for level, name, _, message in logged(tmp_path) if name == "Cloud"]
    assert said == [("WARNING", f"job {jid}, error: ZeroDivisionError: division by zero") for jid in (1, 2)]


def test_what_was_wrong_with_the_script_is_in_the_log(tmp_path: Path) -> None:
    (tmp_path / "cloudconf.py").write_text("num_procs = 'many'")
    program(USE.format(level="debug"), tmp_path)
    assert "num_procs is 'many'" in (tmp_path / "cloud.log").read_text()


def test_a_commit_changes_levels_and_a_level_that_the_program_set_stays(tmp_path: Path) -> None:
    code = """
import logging, cloud
cloud.call
logger = logging.getLogger("Cloud")
cloud.config.log_level = "debug"
cloud.config.commit()
logger.debug("heard")
logger.setLevel("ERROR")
cloud.config.log_level = "info"
cloud.config.commit()
logger.warning("not heard")
print(len(logger.handlers))
"""
    assert program(code, tmp_path).stdout == "2\n"
    assert [line[3] for line in logged(tmp_path)] == ["heard"]


@pytest.mark.parametrize("cloud", ["mp", "server"])
def test_jobs_write_no_log(home: Path, cloud: str) -> None:
    code = f"""
import cloud
from cloud import mp
use = mp if "{cloud}" == "mp" else cloud
def job():
    import logging, cloud
    cloud.status
    logging.getLogger("Cloud").error("inside")
    return cloud.getconfigpath()
use.result(use.call(job))
"""
    done = program(code, home)
    assert (done.stdout, done.stderr) == ("", "")
    assert "inside" not in (home / "cloud.log").read_text()
