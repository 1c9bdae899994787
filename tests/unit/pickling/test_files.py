"""Open files travel as copies in memory (SPEC D.1)."""

import gzip
import io
import os
import pickle
import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest

from cloud import pickling


def copied(value: Any) -> Any:
    return pickling.loads(b"".join(bytes(part) for part in pickling.dumps(value)))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "text.txt"
    path.write_text("eins\nzwei\ndrei ä\n", encoding="latin-1")
    return path


def test_a_text_file_goes_on_where_it_was(path: Path) -> None:
    with path.open(encoding="latin-1") as file:
        assert file.readline() == "eins\n"
        copy = copied({"file": file})["file"]
        assert copy.readline() == "zwei\n"
        assert copy.read() == "drei ä\n"
        assert (copy.name, copy.mode, copy.encoding) == (str(path), "r", "latin-1")
        copy.seek(0)
        assert copy.readline() == "eins\n"
        assert file.readline() == "zwei\n", "the original is where it was"
        copy.close()


@pytest.mark.parametrize("buffering", [0, -1])
def test_a_binary_file(path: Path, buffering: int) -> None:
    with path.open("rb", buffering=buffering) as file:
        file.seek(2)
        copy = copied(file)
        assert (copy.tell(), copy.read(4), copy.mode) == (2, b"ns\nz", "rb")
        with pytest.raises(io.UnsupportedOperation):
            copy.write(b"x")
        assert copied(copy).tell() == 6, "a copy travels on"


def test_a_file_that_is_written_takes_along_what_was_not_flushed(path: Path) -> None:
    with path.open("w+") as file:
        file.write("new")
        copy = copied(file)
        copy.seek(0)
        assert copy.read() == "new"
        copy.write("more")
        copy.close()
    assert path.read_text() == "new"


def test_a_copy_of_a_text_file_travels_on(path: Path) -> None:
    with path.open(encoding="latin-1") as file:
        again = copied(copied(file))
        assert again.read() == "eins\nzwei\ndrei ä\n"
        again.close()


def test_a_large_file_is_beside_the_pickle(tmp_path: Path) -> None:
    path = tmp_path / "large"
    path.write_bytes(os.urandom(200_000))
    with path.open("rb") as file:
        assert len(pickling.dumps(file)) > 1
        assert copied(file).read() == path.read_bytes()


def test_a_closed_file_arrives_closed(path: Path) -> None:
    with path.open() as text, path.open("rb") as binary:
        pass
    assert copied(text).closed
    assert copied(binary).closed
    assert copied(binary).name == str(path)


def test_a_temporary_file_is_not_deleted_by_its_copy() -> None:
    with tempfile.NamedTemporaryFile() as file:
        file.write(b"kept")
        copy = copied(file)
        copy.seek(0)
        assert copy.read() == b"kept"
        copy.close()
        assert os.path.exists(file.name)


def test_standard_output_is_that_of_the_job() -> None:
    assert copied(sys.stdout) is sys.stdout
    assert copied([sys.__stderr__])[0] is sys.stderr


def test_in_memory_files_travel_as_always() -> None:
    assert copied(io.BytesIO(b"abc")).read() == b"abc"
    assert copied(io.StringIO("abc")).read() == "abc"


def test_what_cannot_be_read_is_refused_with_its_name(path: Path, tmp_path: Path) -> None:
    with path.open("a") as file, pytest.raises(pickle.PicklingError, match=r"text\.txt.*open for writing only"):
        pickling.dumps(file)
    with path.open("rb") as file, pytest.raises(pickle.PicklingError, match="17 bytes, more than max_transmit_data=10"):
        pickling.dumps(file, max_bytes=10)
    read, write = os.pipe()
    os.close(write)
    with open(read, "rb") as pipe, pytest.raises(pickle.PicklingError, match="no regular file"):
        pickling.dumps(pipe)
    with gzip.open(tmp_path / "a.gz", "wt") as file:
        file.write("x")
    with gzip.open(tmp_path / "a.gz", "rt") as file, pytest.raises(pickle.PicklingError, match="through a GzipFile"):
        pickling.dumps(file)


@pytest.mark.skipif(not hasattr(os, "openpty"), reason="this system has no terminals")
def test_a_terminal_is_refused() -> None:
    ours, theirs = os.openpty()
    with (
        open(ours, "rb", buffering=0),
        open(theirs, "rb", buffering=0) as terminal,
        pytest.raises(pickle.PicklingError, match="terminal"),
    ):
        pickling.dumps(terminal)
