"""Code versions: the local modules that travelled with jobs, stored by content."""

import hashlib
from collections.abc import Mapping, Sequence

from cloud.dispatch.dispatcher import Dispatcher
from cloud.errors import InvalidSubmission
from cloud.model import INLINE_MAX_BYTES, BlobRef, Buffer, CodeFile, Piece, version_of

NOTHING: Mapping[str, BlobRef] = {}


class Library:
    """Takes in code versions of an account; see `JobApi.missing_code` and `put_code`.

    Contents are kept once, whoever sent them, but an account is not told that another has them, and cannot refer to
    them before it has sent them as well: their digests alone, which it may have from somewhere, are no proof.
    """

    def __init__(self, dispatcher: Dispatcher, account: int) -> None:
        self._dispatcher = dispatcher
        self._store = dispatcher.store
        self._account = account

    def missing(self, version: str, files: Sequence[CodeFile]) -> list[str]:
        """Digests that this account has not sent; when there are none, the version is stored."""
        unsafe = next((file.path for file in files if not file.is_safe), None)
        if unsafe is not None:
            raise InvalidSubmission(f"a file of the code cannot be called {unsafe!r}")
        if version != version_of(files):
            raise InvalidSubmission("the list of code files arrived damaged: its digest is not the one announced")
        with self._dispatcher.step():
            digests = sorted({file.digest for file in files})
            unknown = {*self._store.missing_code(digests), *self._store.not_held(self._account, digests)}
            missing = [digest for digest in digests if digest in unknown]
            if not missing:
                self._store.add_code(version, files, self._dispatcher.clock.now())
                self._store.note_held(self._account, [version])
        return missing

    def put(self, contents: Mapping[str, Buffer], stored: Mapping[str, BlobRef] = NOTHING) -> None:
        """Store contents under their digests; `stored` says where some are already."""
        pieces: dict[str, Piece] = {}
        for digest, content in contents.items():
            if hashlib.sha256(content).hexdigest() != digest:
                raise InvalidSubmission("a code file arrived damaged: its digest is not the one announced", retry=True)
        with self._dispatcher.step():
            for digest in self._store.missing_code(list(contents)):
                if digest in stored:
                    pieces[digest] = stored[digest]
                    continue
                content = contents[digest]
                size = content.nbytes if isinstance(content, memoryview) else len(content)
                large = size > INLINE_MAX_BYTES
                pieces[digest] = self._dispatcher.blobs.put(f"code/{digest}", [content]) if large else bytes(content)
            self._store.put_code(pieces, self._dispatcher.clock.now())
            self._store.note_held(self._account, list(contents))
