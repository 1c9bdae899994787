"""Code versions: the local modules that travelled with jobs, stored by content."""

import hashlib
from collections.abc import Mapping, Sequence

from cloud.dispatch.dispatcher import Dispatcher
from cloud.errors import InvalidSubmission
from cloud.model import INLINE_MAX_BYTES, Buffer, CodeFile, Piece, version_of


class Library:
    """Takes in code versions; see `JobApi.missing_code` and `put_code`."""

    def __init__(self, dispatcher: Dispatcher) -> None:
        self._dispatcher = dispatcher
        self._store = dispatcher.store

    def missing(self, version: str, files: Sequence[CodeFile]) -> list[str]:
        """Digests that are not here; when none are, the version is stored."""
        unsafe = next((file.path for file in files if not file.is_safe), None)
        if unsafe is not None:
            raise InvalidSubmission(f"a file of the code cannot be called {unsafe!r}")
        if version != version_of(files):
            raise InvalidSubmission("the list of code files arrived damaged: its digest is not the one announced")
        with self._dispatcher.step():
            missing = self._store.missing_code(sorted({file.digest for file in files}))
            if not missing:
                self._store.add_code(version, files, self._dispatcher.clock.now())
        return missing

    def put(self, contents: Mapping[str, Buffer]) -> None:
        """Store contents under their digests."""
        pieces: dict[str, Piece] = {}
        for digest, content in contents.items():
            if hashlib.sha256(content).hexdigest() != digest:
                raise InvalidSubmission("a code file arrived damaged: its digest is not the one announced", retry=True)
        with self._dispatcher.step():
            for digest in self._store.missing_code(list(contents)):
                content = contents[digest]
                size = content.nbytes if isinstance(content, memoryview) else len(content)
                large = size > INLINE_MAX_BYTES
                pieces[digest] = self._dispatcher.blobs.put(f"code/{digest}", [content]) if large else bytes(content)
            self._store.put_code(pieces, self._dispatcher.clock.now())
