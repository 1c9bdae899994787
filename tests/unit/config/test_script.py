"""S45, S46: cloudconf.py runs when cloud is imported, is written when missing, and never makes the import fail."""

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from cloud.config import home_directory
from cloud.config.options import OPTIONS
from cloud.config.script import render

QUIET = "import cloud"


def program(code: str, home: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PICLOUD_HOME": str(home), **variables}
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=300, env=environment, check=True
    )


def test_it_is_a_python_script_that_runs_at_import(tmp_path: Path) -> None:
    """S45."""
    (tmp_path / "cloudconf.py").write_text("import os\nnum_procs = os.getpid() % 1 + 3\nmine = 1\nprint('runs')\n")
    done = program("import cloud; print('imported'); print(cloud.config.num_procs)", tmp_path)
    assert (done.stdout, done.stderr) == ("runs\nimported\n3\n", "")


def test_a_script_may_import_cloud(tmp_path: Path) -> None:
    (tmp_path / "cloudconf.py").write_text("import cloud\nnum_procs = 2\nprint('once')\n")
    assert program("import cloud; print(cloud.config.num_procs)", tmp_path).stdout == "once\n2\n"


def test_workers_and_servers_do_not_run_it(tmp_path: Path) -> None:
    (tmp_path / "cloudconf.py").write_text("print('runs')\n")
    environment = {**os.environ, "PICLOUD_HOME": str(tmp_path)}
    for name in ("cloud.server.embedded", "cloud.runner"):
        command = [sys.executable, "-m", name, "--help"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=300, env=environment, check=False)
        assert "runs" not in done.stdout


def test_a_missing_one_is_written_with_every_option_and_its_meaning(tmp_path: Path) -> None:
    home = tmp_path / "new"
    done = program("import cloud; print(cloud.getconfigpath())", home)
    assert (done.stdout, done.stderr) == (f"{home}\n", "")
    text = (home / "cloudconf.py").read_text()
    assert text == render()
    for option in OPTIONS:
        assert (f"# {option.doc}\n{option.name} = {option.default!r}\n" in text) is not option.hidden
    assert stat.S_IMODE(home.stat().st_mode) == 0o700
    assert stat.S_IMODE((home / "cloudconf.py").stat().st_mode) == 0o600
    assert program("import cloud", home).stderr == "", "what was written can be run"


def test_one_that_exists_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "cloudconf.py").write_text("# mine\n")
    program(QUIET, tmp_path)
    assert (tmp_path / "cloudconf.py").read_text() == "# mine\n"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("num_procs = = 2", "SyntaxError"),
        ("x = 1\nimport not_there\nnum_procs = 2", "line 2: ModuleNotFoundError"),
        ("raise SystemExit(7)", "line 1: SystemExit: 7"),
        ("\0", "ValueError|SyntaxError"),
    ],
)
def test_a_broken_one_is_reported_once_and_survived(tmp_path: Path, text: str, said: str) -> None:
    import re

    (tmp_path / "cloudconf.py").write_text(text)
    done = program("import cloud; from cloud import config; print(config.num_procs)", tmp_path, PICLOUD_WORKERS="")
    assert done.stdout == "0\n"
    assert len(done.stderr.splitlines()) == 1
    assert re.search(f"Malformed .*cloudconf.py.*({said}).*Using default settings", done.stderr)


def test_a_value_that_cannot_be_meant_is_reported_and_the_others_hold(tmp_path: Path) -> None:
    (tmp_path / "cloudconf.py").write_text("num_procs = 'many'\nlog_level = 'debug'\n")
    done = program("import cloud; c = cloud.config; print(c.num_procs, c.log_level)", tmp_path, PICLOUD_WORKERS="")
    assert done.stdout == "0 DEBUG\n"
    assert done.stderr.count("\n") == 1
    assert "num_procs is 'many'; expected a number of processes" in done.stderr


def test_programs_that_start_together_write_one_whole_script(tmp_path: Path) -> None:
    home = tmp_path / "new"
    environment = {**os.environ, "PICLOUD_HOME": str(home)}
    command = [sys.executable, "-c", QUIET]
    running = [
        subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) for _ in range(6)
    ]
    assert [process.communicate(timeout=300)[0] for process in running] == [b""] * 6
    assert os.listdir(home) == ["cloudconf.py"]
    assert (home / "cloudconf.py").read_text() == render()


def test_a_home_that_cannot_be_written_is_fine(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for home in (tmp_path / "file" / "home", Path("/proc/1/nothing"), Path("/dev/null")):
        done = program("import cloud; print(cloud.config.num_procs)", home, PICLOUD_WORKERS="")
        assert (done.stdout, done.stderr) == ("0\n", "")


def test_a_process_without_standard_error_is_fine(tmp_path: Path) -> None:
    (tmp_path / "cloudconf.py").write_text("oh no")
    environment = {**os.environ, "PICLOUD_HOME": str(tmp_path)}
    command = f"exec {sys.executable} -c 'import cloud; print(1)' 2>&-"
    done = subprocess.run(
        ["sh", "-c", command], capture_output=True, text=True, timeout=300, env=environment, check=True
    )
    assert done.stdout == "1\n"


def test_the_directory_is_where_the_mission_says(monkeypatch: pytest.MonkeyPatch) -> None:
    """S46: picloud3 with Python 3, in the home directory, or in %APPDATA% on Windows."""
    assert home_directory({}) == os.path.expanduser("~/.picloud3")
    monkeypatch.setattr("sys.platform", "win32")
    assert home_directory({"APPDATA": "C:\\x"}) == os.path.join("C:\\x", "picloud3")


def test_a_value_that_cannot_even_be_compared_is_survived(tmp_path: Path) -> None:
    odd = "class Odd:\n    def __eq__(self, other): raise RuntimeError('no')\nhostname = Odd()\nnum_procs = 3\n"
    (tmp_path / "cloudconf.py").write_text(odd)
    done = program("import cloud; print(cloud.config.num_procs)", tmp_path, PICLOUD_WORKERS="")
    assert done.stdout == "3\n"
    assert "hostname cannot be read: RuntimeError" in done.stderr


def test_a_relative_home_in_a_removed_directory_is_survived(tmp_path: Path) -> None:
    code = "import os, sys; os.chdir(sys.argv[1]); os.rmdir(sys.argv[1]); import cloud; print('imported')"
    gone = tmp_path / "gone"
    gone.mkdir()
    done = subprocess.run(
        [sys.executable, "-c", code, str(gone)], capture_output=True, text=True, timeout=300, check=True,
        env={**os.environ, "PICLOUD_HOME": "relative"},
    )  # fmt: skip
    assert (done.stdout, done.stderr) == ("imported\n", "")
