"""A PostgreSQL server of the tests' own: in a temporary folder, on a Unix socket, without fsync."""

import ctypes
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
from itertools import count
from pathlib import Path

from tests.support.required import require_or_skip
from tests.support.waiting import eventually

_PROGRAMS = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda p: int(p.parent.name), reverse=True)
_SETTINGS = {
    "listen_addresses": "", "fsync": "off", "full_page_writes": "off", "max_connections": "60",
    "shared_buffers": "32MB", "autovacuum_naptime": "1min", "log_min_messages": "warning",
}  # fmt: skip
_PR_SET_PDEATHSIG = 1
_RUNNING: "list[Cluster]" = []


class Cluster:
    """One server; `url` names a schema that nobody has used."""

    def __init__(self) -> None:
        self._programs = _programs()
        self._user = "postgres" if os.geteuid() == 0 else None
        # Not below pytest's own folders: the server's user may not look into those.
        self.folder = Path(tempfile.mkdtemp(prefix="picloud-pg-"))
        self._schemas = count(1)
        self._server: subprocess.Popen[bytes] | None = None
        if self._user:
            entry = pwd.getpwnam(self._user)
            os.chown(self.folder, entry.pw_uid, entry.pw_gid)
        try:
            self._make()
        except BaseException:
            self.close()
            raise

    def _make(self) -> None:
        made = self._run("initdb", "-D", str(self.data), "-U", "picloud", "-A", "trust", "-E", "UTF8", "--no-sync",
                         "--locale=C")  # fmt: skip
        if made.returncode:
            raise RuntimeError(f"initdb failed: {made.stderr}")
        self.start()

    @property
    def data(self) -> Path:
        """Where the server keeps everything."""
        return self.folder / "data"

    def url(self, schema: str = "") -> str:
        """Of a store in a schema; a new one if none is named."""
        schema = schema or f"s{next(self._schemas)}"
        return f"postgresql://picloud@/postgres?host={self.folder}&schema={schema}"

    def start(self) -> None:
        """Again, if it was stopped."""
        options = [part for name, value in _SETTINGS.items() for part in ("-c", f"{name}={value}")]
        with open(os.path.join(tempfile.gettempdir(), f"{self.folder.name}.log"), "ab") as log:
            self._server = subprocess.Popen(
                [self._programs / "postgres", "-D", self.data, "-k", self.folder, *options],
                stdout=log, stderr=log, user=self._user, preexec_fn=_die_with_parent, cwd="/",
            )  # fmt: skip
        eventually(self._answers)

    def stop(self, number: signal.Signals = signal.SIGINT) -> None:
        """SIGINT: at once, cutting all connections; SIGQUIT: as in a crash."""
        assert self._server is not None
        self._server.send_signal(number)
        self._server.wait(120)
        self._server = None

    def close(self) -> None:
        """Stop it and remove everything."""
        if self._server is not None:
            self.stop(signal.SIGQUIT)
        shutil.rmtree(self.folder, ignore_errors=True)
        Path(tempfile.gettempdir(), f"{self.folder.name}.log").unlink(missing_ok=True)

    def _answers(self) -> bool:
        assert self._server is not None
        if self._server.poll() is not None:
            raise RuntimeError("PostgreSQL did not start")
        return self._run("pg_isready", "-q", "-h", str(self.folder), "-U", "picloud").returncode == 0

    def _run(self, program: str, *arguments: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [str(self._programs / program), *arguments], capture_output=True, text=True, user=self._user, cwd="/",
            check=False,
        )  # fmt: skip


def running() -> Cluster:
    """The one of this run, started at its first use."""
    if not _RUNNING:
        _RUNNING.append(Cluster())
    return _RUNNING[0]


def end() -> None:
    """At the end of the run."""
    while _RUNNING:
        _RUNNING.pop().close()


def _programs() -> Path:
    try:
        import psycopg  # noqa: F401
    except ImportError:
        require_or_skip("psycopg is not installed: pip install 'picloud[postgres]'")
    found = shutil.which("initdb")
    if found is not None and not _PROGRAMS:
        return Path(found).resolve().parent
    if not _PROGRAMS:
        require_or_skip("PostgreSQL is not installed: apt-get install postgresql")
    if os.geteuid() == 0:
        try:
            pwd.getpwnam("postgres")
        except KeyError:
            require_or_skip("there is no user 'postgres', and PostgreSQL does not run as root")
    return _PROGRAMS[0]


def _die_with_parent() -> None:
    """A test run that is killed leaves no server behind (on Linux)."""
    if sys.platform != "linux":
        return
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGQUIT)
