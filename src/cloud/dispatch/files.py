"""Files of one account: taken in and given out piece by piece."""

import hashlib
from collections.abc import Callable
from datetime import timedelta

from cloud.api import MAX_PIECE_BYTES, FilePiece
from cloud.dispatch.direct import bytes_of
from cloud.dispatch.dispatcher import Dispatcher
from cloud.errors import FileNotFound, InvalidSubmission
from cloud.model import INLINE_MAX_BYTES, BlobRef, Buffer, File, wrong_with

UPLOAD_SILENCE_ALLOWED = timedelta(hours=1)
"""An incomplete file without a sign of life for so long is forgotten."""
MOST_LISTED = 1000
_LONGEST_TOKEN = 100


class Files:
    """Implements `FilesApi` in process. Thread-safe: each call takes the dispatcher's lock."""

    def __init__(self, dispatcher: Dispatcher, account: int) -> None:
        self._dispatcher = dispatcher
        self._store = dispatcher.store
        self._blobs = dispatcher.blobs
        self._account = account

    def put_piece(self, token: str, piece: FilePiece) -> None:
        """See `FilesApi.put_piece`."""
        _check(token, piece)
        with self._dispatcher.step():
            self._dispatcher.usage.admit(self._account, size_bytes=_size(piece.data))
            file = self._upload(token)
            if not file.name:
                self._add(file, piece)

    def put_file(self, token: str, name: str, size_bytes: int, md5: str, last: FilePiece | None = None) -> File:
        """See `FilesApi.put_file`."""
        wrong = wrong_with(name)
        if wrong is not None:
            raise InvalidSubmission(wrong)
        _check(token, last)
        if last is not None and not last.start and _size(last.data) == size_bytes and last.md5 != md5:
            raise InvalidSubmission(f"the file {name!r} arrived damaged: its MD5 is not {md5}", retry=True)
        with self._dispatcher.step() as step:
            self._admit(name, 0 if last is None else _size(last.data))
            file = self._upload(token)
            if file.name == name:
                return file
            if file.name:
                raise InvalidSubmission(f"what was put as {file.name!r} cannot be named {name!r} now")
            if last is not None:
                self._add(file, last)
            self._check_whole(file, name, size_bytes)
            now = self._dispatcher.clock.now()
            step.garbage += self._store.name_file(self._account, file.fid, name, size_bytes, md5, now)
            return File(file.fid, name, size_bytes, md5, now)

    def find_file(self, name: str) -> File:
        """See `FilesApi.find_file`."""
        with self._dispatcher.lock:
            file = self._store.find_file(self._account, name)
        if file is None:
            raise FileNotFound(f"there is no file {name!r}", hint="cloud.files.list() shows what there is")
        return file

    def read_file(self, fid: int, start: int, size_bytes: int) -> Buffer:
        """See `FilesApi.read_file`."""
        with self._dispatcher.lock:
            reading = self.reading(fid, start, size_bytes)
            if not self._blobs.far:
                return reading()
        return reading()

    def reading(self, fid: int, start: int, size_bytes: int) -> Callable[[], Buffer]:
        """What reads these bytes, without another look into the store."""
        if start < 0 or size_bytes < 1:
            raise InvalidSubmission(f"{size_bytes} bytes from byte {start} on cannot be read")
        found = self._store.file_piece(self._account, fid, start)
        if found is None:
            if not self._store.has_file(self._account, fid):
                raise FileNotFound("this version of the file was deleted or replaced")
            return bytes
        first, piece = found

        def read() -> Buffer:
            data = memoryview(bytes_of(self._blobs, piece) if isinstance(piece, BlobRef) else piece)
            return data[start - first :][: min(size_bytes, MAX_PIECE_BYTES)]

        return read

    def list_files(self, prefix: str = "", after: str = "", limit: int = MOST_LISTED) -> list[File]:
        """See `FilesApi.list_files`."""
        with self._dispatcher.lock:
            return self._store.list_files(self._account, prefix, after, max(1, min(limit, MOST_LISTED)))

    def delete_file(self, name: str) -> None:
        """See `FilesApi.delete_file`."""
        with self._dispatcher.step() as step:
            file = self._store.find_file(self._account, name)
            if file is not None:
                step.garbage += self._store.delete_file(file.fid)

    def _admit(self, name: str, size_bytes: int) -> None:
        """A file that takes the place of another is none more."""
        usage = self._dispatcher.usage
        if not usage.limited(self._account):
            return
        is_new = self._store.find_file(self._account, name) is None
        usage.admit(self._account, size_bytes=size_bytes, files=int(is_new))

    def _upload(self, token: str) -> File:
        return self._store.upload(self._account, token, self._dispatcher.clock.now())

    def _add(self, file: File, piece: FilePiece) -> None:
        """A piece that came before is written again: it is seldom, and asking costs more. The first one counts, so one
        of another size must not take the place of its blob."""
        data = piece.data
        if piece.stored is not None:
            self._store.add_file_piece(file.fid, piece.start, piece.stored)
        elif _size(data) > INLINE_MAX_BYTES:
            ref = self._blobs.put(f"files/{self._account}/{file.fid}-{piece.start}-{_size(data)}", [data])
            self._store.add_file_piece(file.fid, piece.start, ref)
        else:
            self._store.add_file_piece(file.fid, piece.start, bytes(data))

    def _check_whole(self, file: File, name: str, size_bytes: int) -> None:
        there = 0
        for start, size in self._store.file_extents(file.fid):
            if start != there:
                break
            there += size
        if there != size_bytes:
            raise InvalidSubmission(
                f"the file {name!r} is not all here: {there} bytes of {size_bytes} arrived one after another",
                hint="put it again; what is put must not pause for an hour",
            )


def _check(token: str, piece: FilePiece | None) -> None:
    if not 1 <= len(token) <= _LONGEST_TOKEN:
        raise InvalidSubmission("the token of a file must have 1 to 100 characters")
    if piece is None:
        return
    size = _size(piece.data)
    if piece.start < 0 or not 1 <= size <= MAX_PIECE_BYTES:
        raise InvalidSubmission(f"{size} bytes from {piece.start} on are no piece: 1 to {MAX_PIECE_BYTES} come at once")
    if hashlib.md5(piece.data, usedforsecurity=False).hexdigest() != piece.md5:
        raise InvalidSubmission("a piece of a file arrived damaged: its MD5 is not the one announced", retry=True)


def _size(data: Buffer) -> int:
    return data.nbytes if isinstance(data, memoryview) else len(data)
