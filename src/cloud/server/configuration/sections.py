"""Every setting of a server: its section, default and meaning."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from cloud.server.configuration.kinds import (
    BYTES,
    HOST,
    NAMES,
    NETWORKS,
    PATH,
    PORT,
    PREFIX,
    SECONDS,
    TEXT,
    TRUTH,
    URL,
    Kind,
    choice,
    fraction,
    option,
    whole,
)

MAX_BODY_BYTES = 16 << 30
_NUMBER = whole(0, 100_000, "a number of processes, 0 for one per core")
_AGENTS = whole(0, 100_000, "a number of agents, at least 0")
_SLOTS = whole(1, 10_000, "a number of jobs, at least 1")
_AGE: Kind[float | None] = Kind(SECONDS.expected, SECONDS.read)
_SIZE: Kind[int | None] = Kind(BYTES.expected, BYTES.read)
_SHARE = fraction(0.0, 10_000.0, "a number, at least 0")
_MORE: Kind[int | None] = whole(0, 100_000, "a whole number, at least 0")  # type: ignore[assignment]
_JOBS: Kind[int | None] = whole(1, 1 << 60, "a whole number, at least 1")  # type: ignore[assignment]


@dataclass(frozen=True, slots=True)
class ServerSection:
    """[server]: where it listens, and how it is reached."""

    host: str = option(HOST, "127.0.0.1", 'Address to listen on; "0.0.0.0": all of this machine\'s.')
    port: int = option(PORT, 8000, "Port to listen on; 0: any that is free.")
    url: str = option(
        URL, "", "Address under which clients and jobs reach this server, a proxy's or load balancer's; '': the one it "
        "listens on. Jobs on a cluster need it, and those of a server with TLS.",
    )  # fmt: skip
    url_prefix: str = option(PREFIX, "", "A path before all paths, where a proxy passes it on.")
    names: tuple[str, ...] = option(
        NAMES, (), "Host names by which clients may address this server, besides localhost, its own and that of `url`."
    )
    proxies: tuple[str, ...] = option(
        NETWORKS, (), "Who may say for whom they ask, with X-Forwarded-For, -Proto and -Host; nobody else is believed."
    )
    tls_certificate: str = option(PATH, "", "File of the certificate and its chain, PEM; '': plain HTTP.")
    tls_key: str = option(PATH, "", "File of its private key, PEM.")
    metrics_token: str = option(
        TEXT, "", "What opens /metrics as `Authorization: Bearer …`, besides an administrator's key.", secret=True
    )
    grace_seconds: float = option(SECONDS, 5.0, "How long a stopping server lets answers finish.")
    max_request: int = option(BYTES, MAX_BODY_BYTES, "Longest request, in bytes.")
    name: str = option(
        TEXT, "", "Of this server among those of its store, the same after a restart; '': host name and port."
    )
    folder: str = option(
        PATH, "", "What belongs to this server alone: lock, cache, and the default store; '': in the config directory."
    )


@dataclass(frozen=True, slots=True)
class StoreSection:
    """[store]: where jobs are kept."""

    url: str = option(TEXT, "", "sqlite:///PATH of a folder, or postgresql://USER@HOST/DATABASE; '': in `folder`.")
    password: str = option(TEXT, "", "Of the database's user.", secret=True)


@dataclass(frozen=True, slots=True)
class BlobsSection:
    """[blobs]: where what is larger than 32 KiB is kept."""

    url: str = option(TEXT, "", "file:///PATH, s3://BUCKET/PREFIX, gs://…, az://…; '': beside a local store.")
    access_key_id: str = option(
        TEXT, "", "Of an S3 store; '': as its own tools find it (AWS_ACCESS_KEY_ID, an instance's role).", secret=True
    )
    secret_access_key: str = option(TEXT, "", "The key's secret.", secret=True)


@dataclass(frozen=True, slots=True)
class EngineSection:
    """[engine]: what runs the jobs."""

    kind: str = option(choice("local", "ray"), "local", "Worker processes of this machine, or agents on a Ray cluster.")
    workers: int = option(_NUMBER, 0, "local: jobs that run at once; 0: one per core.")
    address: str = option(
        TEXT,
        "auto",
        "ray: of the cluster, HOST:PORT; \"auto\": the one of this machine; '': start one here, for a trial.",
    )
    token: str = option(
        TEXT, "", "ray: of the cluster, where `ray get-auth-token --generate` has put one into ~/.ray/auth_token; '': "
        "as RAY_AUTH_MODE and RAY_AUTH_TOKEN_PATH in the environment say.", secret=True,
    )  # fmt: skip
    slots: int = option(_SLOTS, 1, "ray: jobs that run at once at each agent; it asks Ray for so many cores.")
    least: int = option(_AGENTS, 1, "ray: agents that are always there.")
    most: int = option(_AGENTS, 1, "ray: agents there are at most, while jobs wait.")
    silent_seconds: float = option(SECONDS, 5.0, "ray: an agent not heard for so long has its jobs given to others.")
    idle_seconds: float = option(
        SECONDS, 60.0, "ray: an agent beyond the least number goes after so long without work."
    )
    leave_seconds: float = option(
        SECONDS,
        60.0,
        "ray: an agent that no server asks for so long kills its jobs; longer than a restart of the server.",
    )


@dataclass(frozen=True, slots=True)
class TypeSection:
    """[types.NAME]: what jobs get that say `_type="NAME"`; a section for each type, of agents of their own."""

    cores: float = option(_SHARE, 1.0, "Cores of each job's slot.")
    memory: int | None = option(
        _SIZE, None, "Bytes of each job's slot; a job that uses more ends in error. Not set: no limit."
    )
    gpus: float = option(_SHARE, 0.0, "GPUs of each job's slot.")
    slots: int | None = option(_MORE, None, "Jobs that run at once at each agent; not set: as in [engine].")
    least: int | None = option(
        _MORE, None, "Agents that are always there; not set: as there for the type of jobs that name none, c1, and 0."
    )
    most: int | None = option(_MORE, None, "Agents there are at most; not set: as there.")


@dataclass(frozen=True, slots=True)
class RetentionSection:
    """[retention]: what is forgotten by itself."""

    max_age: float | None = option(_AGE, None, "Jobs that ended longer ago; not set: never.")
    max_bytes: int | None = option(_SIZE, None, "Beyond so many bytes, jobs that ended first; not set: no limit.")
    max_jobs: int | None = option(
        _JOBS, None, "Beyond so many finished jobs, those that ended first; not set: no limit."
    )
    warn_bytes: int = option(BYTES, 10 << 30, "The log warns when there is more.")


@dataclass(frozen=True, slots=True)
class LimitsSection:
    """[limits]: what an account may have at a time, where an administrator set nothing else for it."""

    slots: int | None = option(_JOBS, None, "Of the slots of all workers; not set, here and below: no limit.")
    queued_jobs: int | None = option(_JOBS, None, "Jobs that no worker has taken yet, waiting ones among them.")
    stored_bytes: int | None = option(_SIZE, None, "Arguments, results and output of jobs, and files.")
    files: int | None = option(_JOBS, None, "Files of `cloud.files`.")


@dataclass(frozen=True, slots=True)
class LogsSection:
    """[logs]: what the server writes down."""

    format: str = option(choice("text", "json"), "text", "Lines for people, or a JSON object per line.")
    level: str = option(choice("DEBUG", "INFO", "WARNING", "ERROR"), "INFO", "Lines from this level up.")
    requests: bool = option(TRUTH, False, "A line per request: method, path, status, milliseconds, account.")


@dataclass(frozen=True, slots=True)
class Configuration:
    """All of it."""

    server: ServerSection = field(default_factory=ServerSection)
    store: StoreSection = field(default_factory=StoreSection)
    blobs: BlobsSection = field(default_factory=BlobsSection)
    engine: EngineSection = field(default_factory=EngineSection)
    retention: RetentionSection = field(default_factory=RetentionSection)
    limits: LimitsSection = field(default_factory=LimitsSection)
    logs: LogsSection = field(default_factory=LogsSection)
    types: Mapping[str, TypeSection] = field(default_factory=dict)


SECTIONS = {
    "server": ServerSection, "store": StoreSection, "blobs": BlobsSection, "engine": EngineSection,
    "retention": RetentionSection,
    "limits": LimitsSection, "logs": LogsSection,
}  # fmt: skip
