"""Settings that are right each by itself and cannot be meant together."""

from collections.abc import Iterator
from dataclasses import fields
from urllib.parse import SplitResult, urlsplit

from cloud.server.configuration.sections import Configuration, EngineSection

DATABASES = ("postgresql", "postgres")
OBJECT_STORES = ("s3", "gs", "az")
Contradiction = tuple[tuple[str, ...], str]
_NO_BLOBS = (
    "[store] url names a database, which holds no large values: name a place for them that every server of this store "
    "reaches, with [blobs] url (--blobs), s3://bucket/prefix or /a/shared/folder"
)
_NO_SHARED_BLOBS = (
    "[engine] kind is ray, and its agents need a place for large values that all machines reach: name it with [blobs] "
    "url (--blobs), s3://bucket/prefix or a folder that all of them mount"
)
_NO_URL = (
    "[engine] kind is ray, and jobs on a cluster ask this server: say under which address its machines reach it, with "
    "[server] url (--url)"
)
_RAY_ONLY = ("address", "token", "slots", "least", "most", "silent_seconds", "idle_seconds", "leave_seconds")


def contradictions(told: Configuration) -> Iterator[Contradiction]:
    """Where, and what to write."""
    yield from _about_server(told)
    yield from _about_places(told)
    yield from _about_engine(told)


def _about_server(told: Configuration) -> Iterator[Contradiction]:
    server = told.server
    if bool(server.tls_certificate) != bool(server.tls_key):
        missing = "tls_key" if server.tls_certificate else "tls_certificate"
        there = "tls_certificate" if server.tls_certificate else "tls_key"
        yield ("server", there), f"[server] {there} is set, and {missing} is not; TLS needs both"


def _about_places(told: Configuration) -> Iterator[Contradiction]:
    store, blobs = _split(told.store.url), _split(told.blobs.url)
    if store is None or blobs is None:
        name = "store" if store is None else "blobs"
        yield (name, "url"), f"[{name}] url cannot be read as an address: a [ that is not closed, or the like"
        return
    if store.scheme not in ("", "sqlite", *DATABASES) or (store.scheme == "sqlite" and store.netloc):
        yield (
            ("store", "url"),
            f"[store] url is {_bare(told.store.url)}; expected sqlite:///PATH, a path, or postgresql://USER@HOST/DATABASE",
        )
    if blobs.scheme in OBJECT_STORES and not blobs.netloc:
        yield ("blobs", "url"), f"[blobs] url is {_bare(told.blobs.url)}, which names no bucket: s3://BUCKET/PREFIX"
    if blobs.scheme not in ("", "file", *OBJECT_STORES) or (blobs.scheme == "file" and blobs.netloc):
        yield (
            ("blobs", "url"),
            f"[blobs] url is {_bare(told.blobs.url)}; expected file:///PATH, a path, or s3://, gs://, az://",
        )
    if store.scheme in DATABASES and not told.blobs.url:
        yield ("store", "url"), _NO_BLOBS
    if told.server.folder and told.store.url and store.scheme not in DATABASES:
        yield (
            ("server", "folder"),
            "[server] folder is for a store in a database; a local one has its own, in [store] url",
        )
    if told.store.password and store.scheme not in DATABASES:
        yield ("store", "password"), "[store] password is set, and url names no database"
    elif told.store.password and "@" not in store.netloc:
        yield ("store", "password"), "[store] password is set, and url names no user: postgresql://USER@HOST/DATABASE"
    if bool(told.blobs.access_key_id) != bool(told.blobs.secret_access_key):
        yield ("blobs", "access_key_id"), "[blobs] access_key_id and secret_access_key belong together; set both"
    elif told.blobs.access_key_id and blobs.scheme != "s3":
        yield ("blobs", "access_key_id"), "[blobs] access_key_id is set, and url names no s3:// store"


def _about_engine(told: Configuration) -> Iterator[Contradiction]:
    engine = told.engine
    if engine.kind == "local":
        for about in fields(EngineSection):
            if about.name in _RAY_ONLY and getattr(engine, about.name) != about.default:
                yield ("engine", about.name), f'[engine] {about.name} is for kind = "ray"; kind is "local"'
        for name in told.types:
            yield (f"types.{name}", ""), f'[types.{name}] is for agents: [engine] kind = "ray"; kind is "local"'
        return
    if engine.workers:
        yield ("engine", "workers"), '[engine] workers is for kind = "local"; of agents there are slots, least and most'
    if not engine.most or engine.most < engine.least:
        least = max(1, engine.least)
        yield ("engine", "most"), f"[engine] most is {engine.most}; expected at least {least}"
    if engine.leave_seconds <= engine.silent_seconds:
        yield ("engine", "leave_seconds"), "[engine] leave_seconds must be longer than silent_seconds"
    if engine.address:
        if not told.blobs.url:
            yield ("engine", "kind"), _NO_SHARED_BLOBS
        if not told.server.url:
            yield ("engine", "kind"), _NO_URL


def _split(url: str) -> SplitResult | None:
    """None: it is no URL at all."""
    try:
        return urlsplit(url)
    except ValueError:
        return None


def _bare(url: str) -> str:
    """Without a password."""
    before, at, after = url.rpartition("@")
    scheme, separator, _ = before.partition("://")
    return f'"{scheme}{separator}...@{after}"' if at else f'"{url}"'
