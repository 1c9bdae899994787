"""Blobs as objects of a store like Amazon S3, Google Cloud Storage or Azure's; `picloud[s3]`.

What is written or read here stays in a cache on this machine's disk for a while, so that workers map files as they do
with a folder of blobs, and an array that a thousand jobs need comes over the network once per machine.
"""

import contextlib
import logging
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Literal
from urllib.parse import parse_qsl, urlsplit

from cloud.errors import CloudException, ServerUnavailable, StoreFull
from cloud.model import BlobRef, Buffer
from cloud.stores.blobs.cache import BlobCache
from cloud.stores.blobs.naming import checked
from cloud.stores.blobs.writing import NewBlob, disk_errors, write_all

log = logging.getLogger("Cloud.blobs")

CACHE_BYTES = 10 << 30
SCHEMES = ("s3", "gs", "az")
_AT_ONCE_BYTES = 8 << 20
"""Objects up to here are sent and fetched in one request, larger ones in parts of this size."""
_PARTS = 8
"""So many parts are under way at once."""
_INSTALL = "install it where the server runs: pip install 'picloud[s3]'"


class ObjectBlobs:
    """A blob is an object; its name is its key, under the prefix of the URL.

    Args:
        url: `s3://bucket/prefix`, `gs://…`, `az://…`. What follows a `?` is told to obstore: `endpoint`, `region`, ...
            Keys come from where each cloud's own tools look for them (AWS_ACCESS_KEY_ID, ...).
        cache: a folder for copies on this machine, for all that use this store.
        cache_bytes: how large it may grow.

    Raises:
        CloudException: obstore is not installed, or the URL cannot be meant.
    """

    far = True

    def __init__(self, url: str, cache: str | os.PathLike[str], cache_bytes: int = CACHE_BYTES) -> None:
        try:
            import obstore
        except ImportError:
            raise CloudException(f"the blobs are to be in {url}, and obstore is not here", hint=_INSTALL) from None
        self._obstore: Any = obstore
        self.place = url.partition("?")[0]
        self._store = _open_store(url)
        self._cache = BlobCache(cache, cache_bytes)
        self._size_bytes: int | None = None

    def put(self, name: str, parts: Iterable[Buffer]) -> BlobRef:
        """One request, or parts of 8 MiB, eight at a time; durable when it returns."""
        with self.create(name) as new:
            for part in parts:
                new.write(part)
        return new.ref

    def create(self, name: str) -> "NewObject":
        """Collected in a file of this machine until the commit: only whole objects are ever seen."""
        return NewObject(self, checked(name))

    def adopt(self, name: str, fd: int) -> BlobRef:
        """Send what is in an open file; it stays in the cache."""
        checked(name)
        size = os.fstat(fd).st_size
        with self._errors(name, writing=True):
            if size <= _AT_ONCE_BYTES:
                self._obstore.put(self._store, name, os.pread(fd, size, 0), use_multipart=False)
            else:
                with open(os.dup(fd), "rb") as file:
                    file.seek(0)
                    self._obstore.put(self._store, name, file, chunk_size=_AT_ONCE_BYTES, max_concurrency=_PARTS)
        self._grow(size)
        return self._cache.adopt(name, fd)

    def spool(self) -> str | None:
        """In the cache."""
        return self._cache.spool()

    def open(self, name: str) -> int:
        """Of the copy in the cache, which is fetched if it is not there. FileNotFoundError when there is none."""
        fd: int = self._had(self._cache.open, checked(name))
        return fd

    def read(self, name: str) -> Buffer:
        """As `open`, mapped privately."""
        found: Buffer = self._had(self._cache.read, checked(name))
        return found

    def find(self, name: str, younger_than_seconds: float) -> BlobRef | None:
        """Asks the store; by its clock and this machine's."""
        with self._errors(name):
            try:
                about = self._obstore.head(self._store, checked(name))
            except FileNotFoundError:
                return None
        if about["last_modified"] <= datetime.now(UTC) - timedelta(seconds=younger_than_seconds):
            return None
        return BlobRef(name, int(about["size"]))

    def link(self, name: str, method: Literal["GET", "PUT"], seconds: float) -> str | None:
        """Signed with this server's keys; where these are borrowed, they may have to be fetched first."""
        if method == "PUT" and self.place.startswith("az:"):
            return None  # it would want a header of Azure's own
        try:
            url: str = self._obstore.sign(self._store, method, checked(name), timedelta(seconds=seconds))
        except self._obstore.exceptions.BaseError as error:  # keys that cannot sign
            log.debug("%s gives no links: %s", self.place, _first_line(error))
            return None
        return url

    def delete(self, names: Iterable[str]) -> None:
        """Missing ones are skipped."""
        doomed = [checked(name) for name in names]
        self._cache.drop(doomed)
        if not doomed:
            return
        self._size_bytes = None
        with self._errors(doomed[0]):
            try:
                self._obstore.delete(self._store, doomed)
            except FileNotFoundError:  # stores that say so stop at the first
                for name in doomed:
                    with contextlib.suppress(FileNotFoundError):
                        self._obstore.delete(self._store, name)
        self._size_bytes = None

    def names(self, older_than_seconds: float = 0.0) -> Iterator[str]:
        """Asks the store, a thousand names at a time."""
        latest = datetime.now(UTC) - timedelta(seconds=older_than_seconds)
        for about in self._objects():
            if older_than_seconds <= 0 or about["last_modified"] <= latest:
                yield str(about["path"])

    def size_bytes(self) -> int:
        """Counted by asking for all names once, and again after a delete."""
        size = self._size_bytes
        if size is None:
            size = self._size_bytes = sum(int(about["size"]) for about in self._objects())
        return size

    def close(self) -> None:
        """Nothing is held open."""

    def _objects(self) -> Iterator[dict[str, Any]]:
        with self._errors(""):
            for page in self._obstore.list(self._store):
                yield from page

    def _had(self, have: Callable[[str], Any], name: str) -> Any:
        found = have(name)
        while found is None:  # again, where what was fetched had to make room for what others fetched
            with self._cache.fetching(name):
                if (found := have(name)) is None:
                    self._fetch(name)
                    found = have(name)
        return found

    def _fetch(self, name: str) -> None:
        try:
            self._fetch_once(name)
        except StoreFull:
            if not self._cache.make_room():
                raise
            self._fetch_once(name)

    def _fetch_once(self, name: str) -> None:
        with self._errors(name):
            try:
                self._cache.put(name, self._parts(name))
            except self._obstore.exceptions.GenericError:  # an empty one has no parts; some stores cannot send parts
                found = self._obstore.get(self._store, name)
                self._cache.put(name, (memoryview(part) for part in found.stream(min_chunk_size=_AT_ONCE_BYTES)))

    def _parts(self, name: str) -> Iterator[Buffer]:
        """The first tells how many there are; the others come eight at a time, so that one slow connection is not the
        limit."""
        first = self._obstore.get(self._store, name, options={"range": (0, _AT_ONCE_BYTES)})
        size = int(first.meta["size"])
        yield memoryview(first.bytes())
        starts = range(_AT_ONCE_BYTES, size, _AT_ONCE_BYTES)
        for i in range(0, len(starts), _PARTS):
            some = list(starts[i : i + _PARTS])
            ends = [min(start + _AT_ONCE_BYTES, size) for start in some]
            parts: Sequence[Any] = self._obstore.get_ranges(self._store, name, starts=some, ends=ends, coalesce=0)
            for part in parts:
                yield memoryview(part)

    def _grow(self, size_bytes: int) -> None:
        if self._size_bytes is not None:
            self._size_bytes += size_bytes

    @contextlib.contextmanager
    def _errors(self, name: str, *, writing: bool = False) -> Iterator[None]:
        try:
            yield
        except FileNotFoundError as error:
            if writing:
                raise ServerUnavailable(
                    f"there is no bucket for {self.place}", retry=True, hint="whoever runs this server makes it"
                ) from error
            raise FileNotFoundError(f"there is no blob {name!r} in {self.place}") from error
        except self._obstore.exceptions.BaseError as error:
            raise ServerUnavailable(
                f"the blob store {self.place} did not do what it was asked: {_first_line(error)}",
                retry=True,
                hint="whoever runs this server sees in its log whether the store is down or the keys are wrong",
            ) from error


class NewObject(NewBlob):
    """A blob on its way to an object store: until then in a file."""

    def __init__(self, blobs: ObjectBlobs, name: str) -> None:
        super().__init__(name)
        self._blobs = blobs
        self._fd = _unnamed(blobs.spool())

    def write(self, data: Buffer) -> None:
        """Append."""
        try:
            with disk_errors("the cache of blobs"):
                write_all(self._open_fd(), [data])
        except BaseException:
            self.abort()
            raise

    def commit(self) -> BlobRef:
        """Send it; durable when it returns."""
        try:
            self.ref = self._blobs.adopt(self._name, self._open_fd())
        finally:
            self.abort()
        return self.ref


def _open_store(url: str) -> Any:
    from obstore.exceptions import BaseError
    from obstore.store import from_url

    parts = urlsplit(url)
    told: Any = dict(parse_qsl(parts.query))
    if parts.scheme not in SCHEMES or not parts.netloc:
        raise CloudException(
            f"{url!r} is no place for blobs; expected a folder, or one of {', '.join(SCHEMES)}://bucket"
        )
    endpoint = told.get("endpoint") or os.environ.get("AWS_ENDPOINT_URL", "")
    options: Any = {"allow_http": True} if endpoint.startswith("http://") else {}
    try:
        return from_url(url.partition("?")[0], config=told, client_options=options)
    except (BaseError, ValueError) as error:
        raise CloudException(f"blobs cannot be kept in {url.partition('?')[0]}: {_first_line(error)}") from error


def _unnamed(folder: str | None) -> int:
    if folder is not None:
        return os.open(folder, os.O_RDWR | os.O_TMPFILE | os.O_CLOEXEC, 0o600)
    return os.memfd_create("picloud-blob")


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0]
