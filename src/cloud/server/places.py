"""Where a server keeps things: what its configuration names, as the parts of the server take it."""

import os
from dataclasses import dataclass
from urllib.parse import quote, unquote, urlencode, urlsplit, urlunsplit

from cloud.server.configuration.sections import Configuration
from cloud.server.configuration.sense import DATABASES


@dataclass(frozen=True, slots=True)
class Places:
    """Folders are absolute. URLs may hold secrets: `str` shows none."""

    folder: str
    """What belongs to this server alone; without a database also the store."""
    store: str
    """URL of a database; '': SQLite, in the folder."""
    blobs: str
    """URL of an object store, or a folder."""

    @property
    def blobs_are_objects(self) -> bool:
        """Whether they are in an object store."""
        return "://" in self.blobs

    def __repr__(self) -> str:
        return f"Places({self.folder!r}, {_bare(self.store)!r}, {_bare(self.blobs)!r})"


def places_of(told: Configuration, home: str) -> Places:
    """The places of a checked configuration.

    Args:
        home: the config directory. Servers that share a database on one machine differ in their port.
    """
    shared = urlsplit(told.store.url).scheme in DATABASES
    if shared:
        folder = told.server.folder or os.path.join(home, f"serve-{told.server.port}")
        store = _with_password(told.store.url, told.store.password)
    else:
        folder = _path_of(told.store.url) if told.store.url else told.server.folder or os.path.join(home, "serve")
        store = ""
    blobs = told.blobs.url
    if not blobs:
        blobs = os.path.join(folder, "blobs")
    elif urlsplit(blobs).scheme in ("", "file"):
        blobs = _path_of(blobs)
    elif told.blobs.access_key_id:
        key = {"access_key_id": told.blobs.access_key_id, "secret_access_key": told.blobs.secret_access_key}
        blobs += ("&" if "?" in blobs else "?") + urlencode(key)
    return Places(folder, store, blobs)


def _with_password(url: str, password: str) -> str:
    parts = urlsplit(url)
    before, at, hosts = parts.netloc.rpartition("@")
    if not password or not at:
        return url
    user = before.partition(":")[0]
    return urlunsplit(parts._replace(netloc=f"{user}:{quote(password, safe='')}@{hosts}"))


def _path_of(value: str) -> str:
    parts = urlsplit(value)
    return os.path.abspath(unquote(parts.path) if parts.scheme else os.path.expanduser(value))


def _bare(url: str) -> str:
    """Without secrets."""
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2], query="")) if parts.scheme else url
