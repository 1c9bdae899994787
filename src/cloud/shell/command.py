"""What a job of a shell command does, in its worker: files put down, the command run, its outputs passed on."""

import os
import selectors
import shlex
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from typing import IO, Any

from cloud.shell.template import Sent, filled

_PIECE_BYTES = 1 << 16
_ERROR_BYTES = 1 << 20
"""How much of the end of standard error the exception tells."""
# Standard error is given back only here, because an interactive shell without a terminal complains about that first.
# The command is in a subshell, because an interactive shell says `exit` when it does.
_AS_IF_TYPED = 'fd=$1 command=$2; set --; exec 2>&"$fd" {fd}>&-; unset fd; (eval "$command")'


COPY = ": {copy_number}; "
"""How commands begin that differ in a number which they do not use: those of `picloud mapexec -k`."""


class CommandFailed(Exception):
    """A command ended with an exit status other than 0; `exit_status` is that, or minus the number of a signal."""

    def __init__(self, exit_status: int, said: str = "") -> None:
        super().__init__(exit_status, said)
        self.exit_status = exit_status
        self.said = said

    def __str__(self) -> str:
        how = f"was ended by signal {-self.exit_status}" if self.exit_status < 0 else f"exited with {self.exit_status}"
        return f"the command {how}" + (f":\n{self.said}" if self.said else "")


class NoSuchPlace(FileNotFoundError):
    """The directory to run in is not there, or the command has not written the file with its result."""


class Command:
    """A function that runs a command; it is called with the values of `names`.

    Args:
        template: the command.
        names: variables whose values are the arguments of the job.
        common: values of the other variables.
        return_file, ignore_exit_status, cwd: see `cloud.shell.execute`.
    """

    def __init__(
        self,
        template: str,
        names: tuple[str, ...],
        common: Mapping[str, str | Sent],
        return_file: str | None,
        ignore_exit_status: bool,
        cwd: str | None,
    ) -> None:
        self.template = template
        self.names = names
        self.common = dict(common)
        self.return_file = return_file
        self.ignore_exit_status = ignore_exit_status
        self.cwd = cwd
        # What people see as the function's name.
        self.__module__ = "shell"
        self.__qualname__ = " ".join(template.removeprefix(COPY).split())[:120]

    def __call__(self, *values: str | Sent) -> Any:
        """Run it, in a worker.

        Raises:
            CommandFailed: its exit status is not 0.
            NoSuchPlace: there is no directory to run it in, or no file with its result.
        """
        if self.cwd and not os.path.isdir(os.path.expanduser(self.cwd)):
            raise NoSuchPlace(f"there is no directory {self.cwd!r} to run in")
        given = {**self.common, **dict(zip(self.names, values, strict=True))}
        with tempfile.TemporaryDirectory(prefix="picloud-shell-") as folder:
            texts = {name: _in_place(value, folder) for name, value in given.items()}
            status, out, said = _run(filled(self.template, texts), self.cwd)
            if status and not self.ignore_exit_status:
                raise CommandFailed(status, said.decode(errors="replace").strip())
            if self.return_file is not None:
                path = os.path.join(self.cwd or os.curdir, filled(self.return_file, texts))
                try:
                    with open(os.path.expanduser(path), "rb") as file:
                        out = file.read()
                except FileNotFoundError:
                    raise NoSuchPlace(f"the command has not written {os.path.normpath(path)!r}") from None
        try:
            return out.decode()
        except UnicodeDecodeError:
            return out


def _in_place(value: str | Sent, folder: str) -> str:
    """The text that a variable stands for; of a file that came along, its path here, fit for the shell."""
    if isinstance(value, str):
        return value
    path, number = os.path.join(folder, value.name), 0
    while os.path.exists(path):
        number += 1
        path = os.path.join(folder, f"{value.name}{number}")
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o700)
    with os.fdopen(fd, "wb") as file:
        file.write(value.data)
    return shlex.quote(path)


def _run(command: str, cwd: str | None) -> tuple[int, bytes, bytes]:
    """Exit status, standard output, and the end of standard error, of a command run to its end."""
    reading, writing = os.pipe()
    try:
        process = subprocess.Popen(
            ["/bin/bash", "-ic", _AS_IF_TYPED, "bash", str(writing), command],
            cwd=os.path.expanduser(cwd) if cwd else None,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            pass_fds=(writing,),
            start_new_session=True,
        )
    except BaseException:
        os.close(reading)
        raise
    finally:
        os.close(writing)
    assert process.stdout is not None
    try:
        with process.stdout as stdout, os.fdopen(reading, "rb", buffering=0) as stderr:
            out, said = _pass_on(process, stdout, stderr)
        return process.wait(), out, said
    except BaseException:
        os.killpg(process.pid, signal.SIGKILL)  # with all that it started
        process.wait()
        raise


def _pass_on(process: "subprocess.Popen[bytes]", stdout: IO[bytes], stderr: IO[bytes]) -> tuple[bytes, bytes]:
    """Both outputs, shown as the job's own while they come. What it left running in the background is not waited for,
    where the end of a process can be waited for."""
    out, said = bytearray(), bytearray()
    ended = os.pidfd_open(process.pid) if hasattr(os, "pidfd_open") else -1
    with selectors.DefaultSelector() as ready:
        ready.register(stdout.fileno(), selectors.EVENT_READ, (sys.stdout, out))
        ready.register(stderr.fileno(), selectors.EVENT_READ, (sys.stderr, said))
        if ended >= 0:
            ready.register(ended, selectors.EVENT_READ, None)
        try:
            over = False
            while len(ready.get_map()) > (ended >= 0):
                found = ready.select(0 if over else None)
                if over and not any(key.data for key, _ in found):
                    break
                for key, _ in found:
                    if key.data is None:
                        over = True
                    elif not _take(key.fd, *key.data):
                        ready.unregister(key.fd)
                del said[:-_ERROR_BYTES]
        finally:
            if ended >= 0:
                os.close(ended)
    return bytes(out), bytes(said)


def _take(fd: int, stream: Any, kept: bytearray) -> bool:
    """Whether there was more."""
    piece = os.read(fd, _PIECE_BYTES)
    kept += piece
    raw = getattr(stream, "buffer", None)
    if raw is not None:
        raw.write(piece)
    else:
        stream.write(piece.decode(errors="replace"))
    stream.flush()
    return bool(piece)
