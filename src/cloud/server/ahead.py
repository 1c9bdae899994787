"""What is large in a request goes into a far blob store before the core sees the request.

The core runs in the event loop's thread, and what it stores it stores in a transaction: neither must wait for another
machine. What no transaction names afterwards is collected as any orphan.
"""

import contextlib
import logging
import secrets
from collections.abc import Callable, Sequence

from cloud.api import Receipt
from cloud.dispatch.direct import put_name
from cloud.dispatch.ports import Blobs
from cloud.dispatch.retention import ORPHAN_AGE_SECONDS
from cloud.errors import CloudException, ServerUnavailable
from cloud.model import INLINE_MAX_BYTES, BlobRef, Buffer
from cloud.server.aside import Aside
from cloud.wire import calls
from cloud.wire.calls import NOTHING_STORED, SPEC_FRAMES, Stored
from cloud.wire.files import CHANGES
from cloud.wire.message import Header, decode
from cloud.wire.strangers import whole_number

log = logging.getLogger("cloud.server")
_OPS = frozenset({"submit", "put_code"}) | CHANGES
_FRESH_SECONDS = ORPHAN_AGE_SECONDS / 2
"""What was put longer ago may be collected before a transaction names it."""


class Ahead:
    """Looks at requests before the core does.

    Args:
        local: whether jobs run on this machine, so that what clients put is fetched for them, too.
        max_bytes: the most that a client may put for one chunk.
        refuse: of an account, so many bytes more than it may have; called in the loop's thread.
    """

    def __init__(
        self, blobs: Blobs, aside: Aside, *, local: bool, max_bytes: int,
        refuse: Callable[[int, int], None] = lambda account, size_bytes: None,
    ) -> None:  # fmt: skip
        self._blobs = blobs
        self._aside = aside
        self._local = local
        self._max_bytes = max_bytes
        self._refuse = refuse

    async def store(self, message: Buffer, account: int) -> Stored | list[Buffer]:
        """Which frames are in the store now; or the answer to the request, if that is clear already."""
        try:
            header, frames = decode(message)
            if header["op"] not in _OPS:
                return NOTHING_STORED
            kept = SPEC_FRAMES if header["op"] == "submit" and "spec" in header else 0  # these are no blobs
            put = _put(header, len(frames), account)
        except (CloudException, KeyError, TypeError, ValueError):
            return NOTHING_STORED  # the core will say what is wrong with it
        large = {i: frame for i, frame in enumerate(frames) if i >= kept and len(frame) > INLINE_MAX_BYTES}
        if not large and not put:
            return NOTHING_STORED
        if self._aside.crowded:
            return calls.failed(ServerUnavailable("the blob store keeps too many others waiting", retry=True))
        try:
            self._refuse(account, sum(len(frame) for i, frame in large.items() if i not in put))
            return await self._aside.run(lambda: self._store(large, put, account))
        except _Missing:
            return calls.receipt(Receipt(missing_chunks=True))
        except CloudException as error:
            return calls.failed(error)
        except Exception as error:
            log.exception("a fault while something large was stored")
            return calls.failed(CloudException(f"a fault in the server: {error!r}; its log says where"))

    def _store(self, large: dict[int, memoryview], put: dict[int, str], account: int) -> Stored:
        stored: dict[int, BlobRef] = {}
        for i, name in put.items():
            stored[i] = self._found(name)
        for i, frame in large.items():
            if i not in put:
                stored[i] = self._blobs.put(f"early/{account}/{secrets.token_hex(16)}", [frame])
        return stored

    def _found(self, name: str) -> BlobRef:
        ref = self._blobs.find(name, _FRESH_SECONDS)
        if ref is None or ref.size_bytes > self._max_bytes:
            raise _Missing
        if self._local:
            with contextlib.suppress(FileNotFoundError):
                self._blobs.read(name)
        return ref


class _Missing(Exception):
    """A chunk was not put, or cannot be relied on."""


def _put(header: Header, frames: int, account: int) -> dict[int, str]:
    """Which frames stand for chunks that the client says it has put, and where these must be, then."""
    if header["op"] != "submit" or not header.get("put"):
        return {}
    said = {whole_number(first) for first in header["put"]}
    chunks: Sequence[Sequence[int]] = header["chunks"]
    base, token = frames - len(chunks), str(header["token"])
    return {
        base + i: put_name(account, token, first) for i, (first, _) in enumerate(chunks) if whole_number(first) in said
    }
