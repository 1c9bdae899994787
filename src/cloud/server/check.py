"""`picloud serve --check`: whether a server could run as its configuration says, without running one."""

import os
import secrets
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cloud.engines.fleet.kinds import Kinds
from cloud.engines.ray.door import ask_in
from cloud.errors import CloudException, ServerUnavailable
from cloud.server.composition import agent_types, answers, missing, open_blobs, show_token
from cloud.server.configuration.sections import Configuration
from cloud.server.places import Places, places_of
from cloud.server.tls import Tls

CONNECT_SECONDS = 5


@dataclass(frozen=True, slots=True)
class Finding:
    """One part of the server."""

    what: str
    good: bool
    text: str


def findings(told: Configuration, home: str) -> Iterator[Finding]:
    """One after the other; a part that does not answer may take seconds. Nothing is changed, but that a small blob is
    written and deleted again."""
    places = places_of(told, home)
    if told.server.tls_certificate:
        yield _found("certificate", lambda: _certificate(told))
    yield _found("store", lambda: _database(places) if places.store else _folder(places.folder))
    yield _found("blobs", lambda: _blobs(places))
    if told.engine.kind == "ray":
        yield _found("cluster", lambda: _cluster(told))


def _found(what: str, look: Callable[[], str]) -> Finding:
    began = time.monotonic()
    try:
        text = look()
    except (CloudException, OSError) as error:
        said = error.parameter if isinstance(error, CloudException) else str(error)
        return Finding(what, good=False, text=str(said))
    return Finding(what, good=True, text=f"{text} ({(time.monotonic() - began) * 1000:.0f} ms)")


def _certificate(told: Configuration) -> str:
    Tls(told.server.tls_certificate, told.server.tls_key)
    return told.server.tls_certificate


def _folder(folder: str) -> str:
    there = folder
    while not os.path.exists(there):
        there = os.path.dirname(there)
    if not os.path.isdir(there) or not os.access(there, os.W_OK | os.X_OK):
        raise ServerUnavailable(f"{there} is no folder that this user may write to")
    return folder if there == folder else f"{folder}, which will be made"


def _database(places: Places) -> str:
    try:
        import psycopg
    except ImportError as error:
        raise missing("the store is a PostgreSQL database, and psycopg, which talks to it", "postgres", error) from None
    from cloud.stores.postgres.address import Address

    address = Address.of(places.store)
    try:
        with psycopg.connect(address.url, connect_timeout=CONNECT_SECONDS) as connection:
            version, encoding = connection.execute(
                "select current_setting('server_version'), current_setting('server_encoding')"
            ).fetchone() or ("", "")
    except psycopg.Error as error:
        raise ServerUnavailable(f"{address} does not answer: {str(error).strip()}") from None
    if encoding != "UTF8":
        raise ServerUnavailable(f"{address} is encoded in {encoding}; expected UTF8")
    return f"{address}, PostgreSQL {version}"


def _blobs(places: Places) -> str:
    if not places.blobs_are_objects:
        return _folder(places.blobs)
    where = places.blobs.partition("?")[0]
    blobs = open_blobs(places, shared=True)
    name, content = f"check/{secrets.token_hex(8)}", secrets.token_bytes(64)
    blobs.put(name, [content])
    try:
        if bytes(blobs.read(name)) != content:
            raise ServerUnavailable(f"{where} gives back other bytes than it was given")
    finally:
        blobs.delete([name])
        blobs.close()
    return where


def _cluster(told: Configuration) -> str:
    address = told.engine.address
    show_token(told.engine.token)
    try:
        import ray
    except ImportError as error:
        raise missing("the engine is a Ray cluster, and ray, which talks to it", "ray", error) from None
    cluster: Any = ray
    if not address:
        return "will be started here, for a trial"
    answers(address)
    ask_in(address)
    try:
        cluster.init(address=address, log_to_driver=False, configure_logging=False)
        machines = [node["Resources"] for node in cluster.nodes() if node["Alive"]]
    except Exception as error:
        said = str(error).strip().partition("\n")[0]
        raise ServerUnavailable(
            f"the Ray cluster {address} cannot be joined: {said}. It answers; so most likely this machine has no node "
            "of it: ray start --address=... --num-cpus=0"
        ) from None
    finally:
        cluster.shutdown()
    cores, gpus = (sum(machine.get(what, 0) for machine in machines) for what in ("CPU", "GPU"))
    found = f"Ray {cluster.__version__}, {len(machines)} machines, {cores:g} cores, {gpus:g} GPUs"
    return "; ".join([found, *open_to_all(told), *without_room(_kinds(told), machines)])


def open_to_all(told: Configuration) -> Iterator[str]:
    """A sentence, if a cluster that let us in asked for no token."""
    if not told.engine.token and os.environ.get("RAY_AUTH_MODE") != "token":
        yield "IT WANTS NO TOKEN: whoever reaches its ports runs anything there"


def _kinds(told: Configuration) -> Kinds:
    engine = told.engine
    return Kinds(agent_types(told) or None, slots=engine.slots, least=engine.least, most=engine.most)


def without_room(kinds: Kinds, machines: Sequence[Mapping[str, float]]) -> Iterator[str]:
    """A sentence for each type of agent that none of these machines could ever hold. No mistake where an autoscaler
    brings others."""
    for name in kinds.names():
        wanted = kinds.wanted(name)
        asked = {"CPU": wanted["cores"], "memory": wanted.get("memory", 0), "GPU": wanted.get("gpus", 0)}
        if not any(all(machine.get(what, 0) >= amount for what, amount in asked.items()) for machine in machines):
            yield f"NO MACHINE of these can hold an agent of type {name}, which needs {kinds.needs(name)}"
