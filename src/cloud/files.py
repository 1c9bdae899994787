"""Files that are stored beside jobs, for programs and jobs alike.

    cloud.files.put("measurements.csv")
    cloud.files.getf("measurements.csv").readline()

A name is any text that neither begins with '/' nor has a part '..'. Names belong to the account of the key. A file
appears, or replaces the one of its name, whole. Whatever its size, it is never in memory: not here, not on the server.

Files are on the server also for jobs of `cloud.mp` and in the simulator, which has no files of its own.
"""

import builtins
import os
from typing import Any

from cloud.api import FilesApi
from cloud.client import download, sessions, upload
from cloud.client.connect import network_session
from cloud.client.download import FileReader
from cloud.client.remote import RemoteApi
from cloud.client.terse import tersely
from cloud.client.upload import Source, checked_name
from cloud.errors import CloudException, FileNotFound

__all__ = [
    "FileReader", "delete", "exists", "get", "get_md5", "getf", "list", "put", "putf", "sync_from_cloud",
    "sync_to_cloud",
]  # fmt: skip

Path = str | os.PathLike[str]

_apart = network_session()
"""For a program whose `cloud` is something else, the simulator."""
sessions.register("files", lambda: _apart)


@tersely
def put(source: Path, name: str | None = None) -> None:
    """Store a local file under `name`; None: under the last part of its path.

    Raises:
        ValueError: it cannot have this name.
        OSError: it cannot be read.
        StoreFull: the server's disk is full.
    """
    name = _name_for(source, name, "cloud.files.put")
    with open(source, "rb", buffering=0) as file:
        upload.put(_api(), file, name)


@tersely
def putf(f: Source, name: str) -> None:
    """Store bytes, text (as UTF-8), or what an open file gives from where it stands; the file stays open.

    Errors as for `put`.
    """
    name = checked_name(name, "cloud.files.putf")
    if not isinstance(f, (bytes, bytearray, memoryview, str)) and not hasattr(f, "read"):
        raise TypeError(f"cloud.files.putf: expected bytes, text or an open file, not {type(f).__name__}")
    upload.put(_api(), f, name)


@tersely
def get(name: str, destination: Path | None = None, start_byte: int = 0, end_byte: int | None = None) -> None:
    """Write a stored file to a local path, with the folders that it needs; what is there is replaced at the end.

    Args:
        destination: a path; a folder (also one that ends in '/'): the last part of the name in it; None: `name`, in the
            current directory.
        start_byte, end_byte: which bytes, as in a slice: `end_byte` is the first that is left out; None: all.

    Raises:
        FileNotFound: there is no such file.
        OSError: it cannot be written.
        FileDamaged: it arrived damaged, again and again.
    """
    name = checked_name(name, "cloud.files.get")
    download.stretch(0, start_byte, end_byte)
    download.fetch(_api(), name, _destination(name, destination), start_byte, end_byte)


@tersely
def getf(name: str, start_byte: int = 0, end_byte: int | None = None) -> FileReader:
    """A stored file, or some bytes of it as for `get`, open for reading; what is read is fetched then.

    Raises:
        FileNotFound: there is no such file.
    """
    name = checked_name(name, "cloud.files.getf")
    download.stretch(0, start_byte, end_byte)
    api = _api()
    return FileReader(api, api.find_file(name), start_byte, end_byte)


@tersely
def list() -> builtins.list[str]:
    """Names of all files, sorted."""
    api, names = _api(), builtins.list[str]()
    while found := api.list_files(after=names[-1] if names else ""):
        names += [file.name for file in found]
    return names


@tersely
def exists(name: str) -> bool:
    """Whether there is a file of this name."""
    try:
        _api().find_file(checked_name(name, "cloud.files.exists"))
    except FileNotFound:
        return False
    return True


@tersely
def delete(name: str) -> None:
    """Forget a file.

    Raises:
        FileNotFound: there is no such file.
    """
    api, name = _api(), checked_name(name, "cloud.files.delete")
    api.find_file(name)
    api.delete_file(name)


@tersely
def get_md5(name: str) -> str:
    """MD5 of a stored file, hexadecimal; it is not read for that.

    Raises:
        FileNotFound: there is no such file.
    """
    return _api().find_file(checked_name(name, "cloud.files.get_md5")).md5


@tersely
def sync_to_cloud(source: Path, name: str | None = None) -> bool:
    """As `put`, if the stored file is not the same already, by MD5; whether it was put."""
    name = _name_for(source, name, "cloud.files.sync_to_cloud")
    try:
        if _api().find_file(name).md5 == download.md5_of_local(os.fspath(source)):
            return False
    except FileNotFound:
        pass
    put(source, name)
    return True


@tersely
def sync_from_cloud(name: str, destination: Path | None = None) -> bool:
    """As `get`, if the local file is not the same already, by MD5; whether it was got."""
    name = checked_name(name, "cloud.files.sync_from_cloud")
    path = _destination(name, destination)
    file = _api().find_file(name)
    try:
        if os.path.getsize(path) == file.size_bytes and download.md5_of_local(path) == file.md5:
            return False
    except FileNotFoundError:
        pass
    download.fetch(_api(), name, path)
    return True


def _api() -> FilesApi:
    active = sessions.active()
    session = _apart if active.kind else active
    if session is active:
        _apart.close()  # opened under other settings, perhaps
    api: Any = session.api
    if not isinstance(api, RemoteApi):
        raise CloudException("this cloud has no server, and so no files")
    return api


def _name_for(source: Path, name: str | None, where: str) -> str:
    return checked_name(os.path.basename(os.fspath(source)) if name is None else name, where)


def _destination(name: str, destination: Path | None) -> str:
    if destination is None:
        return os.path.join(*name.rstrip("/").split("/"))
    path = os.fspath(destination)
    last = name.rstrip("/").rpartition("/")[2]
    if os.path.isdir(path) or path.endswith(("/", os.sep)):
        return os.path.join(path, last)
    return path
