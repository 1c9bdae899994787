"""JobApi: the one protocol between a `Session` and the core; and `FilesApi`, for `cloud.files`.

Four speakers: `dispatch.Jobs` in process, `client.http` over a network, `client.pipe` from inside a worker of
`cloud.mp`, and scripted ones in tests. One contract suite runs against all.

Every call is a batch: jobs are named by ranges of jids, and what comes back is columns. Every call may be repeated
after a lost connection without harm. Jids are looked up within the caller's account.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from cloud.model import BlobRef, Buffer, CodeFile, File, Outcomes, Ranges, Spec

DIRECT_MIN_BYTES = 2 << 20
"""From this size on, a client reads and writes blobs itself, where the blob store lets it."""


def size_of(parts: Sequence[Buffer]) -> int:
    """Bytes of all of them."""
    return sum(part.nbytes if isinstance(part, memoryview) else len(part) for part in parts)


@dataclass(frozen=True, slots=True)
class NewChunk:
    """Packed arguments of consecutive jobs on their way in; `parts` are written one after another, never joined."""

    first: int
    count: int
    parts: Sequence[Buffer]
    stored: BlobRef | None = None
    """Where they are already, if they were put into the blob store before: then `parts` may be empty."""

    @property
    def size_bytes(self) -> int:
        """Of the packed arguments."""
        return self.stored.size_bytes if self.stored is not None else size_of(self.parts)


@dataclass(frozen=True, slots=True)
class Part:
    """One message of a submission. A small one is complete in a single part; a stream of chunks takes several."""

    token: str
    """Made by the client, unique; all parts of a submission and all repetitions carry it."""
    spec: Spec | None = None
    """In every first part; may be left out afterwards."""
    function: Sequence[Buffer] | None = None
    """The pickled function, whose SHA-256 is `spec.function`; may be left out when the server was seen to have it."""
    chunks: Sequence[NewChunk] = ()
    """In any order; a chunk whose `first` was received before is ignored."""
    count: int | None = None
    """Total number of jobs: seals the submission, whose chunks must then cover 0..count-1 exactly."""
    function_stored: BlobRef | None = None
    """Where the bytes of the function are already; see `NewChunk.stored`."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """What became of a `Part`. It is sent after the commit that holds the part."""

    jids: range | None = None
    """The jobs, once sealed."""
    missing_function: bool = False
    """Nothing was stored: send the same part again with `function`."""
    missing_code: bool = False
    """Nothing was stored: the code version of `spec.environment` is not here; see `JobApi.missing_code`."""
    ended: "Sequence[Ended]" = ()
    """What is known already of how the jobs ended, if they were that quick; maybe nothing, also when they were."""
    missing_chunks: bool = False
    """Nothing was stored: a chunk that was put into the blob store is not there; send the part with its bytes."""


@dataclass(frozen=True, slots=True)
class Waited:
    """The answer to `wait`."""

    unfinished: Ranges
    """Those of the jobs asked about that are not finished, in no particular order; empty when all are."""
    failed: int | None = None
    """Lowest jid among those asked about that ended in error, killed or stalled; None when none did."""
    queued: int = 0
    """How many of the unfinished are queued (SPEC S54's deadlock check)."""


@dataclass(frozen=True, slots=True)
class Ended:
    """Outcomes with the jid of the first: job `jid + i` is index `outcomes.lo + i`."""

    jid: int
    outcomes: Outcomes = field(repr=False)
    cache_tag: str = ""
    """Of the interpreter that pickled results and exceptions; code among them opens only there."""

    @property
    def jids(self) -> range:
        """The jobs these are the outcomes of."""
        return range(self.jid, self.jid + self.outcomes.count)


INFO_FIELDS = (
    "status", "stdout", "stderr", "logging", "pilog", "syslog", "exception", "runtime", "created", "started",
    "finished", "env", "vol", "function", "label", "args", "kwargs", "func_object", "attributes", "profile",
    "memory", "cputime", "cpu_percentage", "ports", "code_version", "attempts", "machine",
)  # fmt: skip
"""What `cloud.info` can be asked for (SPEC B.5, and `started`, `attempts`, `machine`). The client adds dotted names."""


STREAMS = ("stdout", "stderr", "logging")
"""What `JobApi.output` can be asked for."""
MAX_OUTPUT_BYTES = 1 << 20
"""The most bytes of output in one answer."""


@dataclass(frozen=True, slots=True)
class OutputPiece:
    """The answer to `output`."""

    start: int
    """Position of the first of these bytes, counted from the first byte that this attempt wrote; behind the position
    asked for if bytes between were dropped."""
    data: Buffer = field(repr=False)
    ended: bool
    """The job is finished, and nothing comes behind this."""
    attempt: int
    """Which attempt wrote this; 0: none yet. A job that is lost and tried again begins at position 0 again."""


class JobApi(Protocol):
    """Submit, wait, read, kill, delete. Errors are `cloud.errors` classes; jids that do not exist are `JobNotFound`."""

    def submit(self, part: Part) -> Receipt:
        """Store a part of a submission durably.

        Raises:
            InvalidSubmission: the spec cannot be carried out, chunks are missing at the seal, or the submission
                was given up because its client was silent for too long.
            NoInterpreter: no worker can open what this Python pickled.
            JobNotFound: a jid of `depends_on` does not exist.
            StoreFull: the disk is full; nothing was stored.
        """
        ...

    def drop(self, token: str) -> None:
        """Forget an unsealed submission (its input failed); unknown and sealed ones are left alone."""
        ...

    def missing_code(self, version: str, files: Sequence[CodeFile]) -> list[str]:
        """Digests of those files whose content is not stored here. None: the version is stored now, and submissions
        may refer to it for at least an hour, or for as long as one does.

        Raises:
            InvalidSubmission: `version` is not the digest of these files, or a path leads out of the folder.
        """
        ...

    def put_code(self, contents: Mapping[str, Buffer]) -> None:
        """Store contents of files, by digest, durably; they stay for at least an hour.

        Raises:
            InvalidSubmission: a content has another digest.
            StoreFull: the disk is full; nothing was stored.
        """
        ...

    def wait(self, jids: Ranges, *, timeout_seconds: float | None, stop_on_failure: bool) -> Waited:
        """Block until all are finished, or one failed if `stop_on_failure`, or the time is over (no error then).

        `timeout_seconds` 0 answers at once; None waits without limit. Remote speakers may answer earlier with jobs
        unfinished; the caller asks again.
        """
        ...

    def outcomes(self, jids: Ranges, *, timeout_seconds: float | None, linger_seconds: float = 0.0,
                 max_bytes: int = 8 << 20) -> list[Ended]:  # fmt: skip
        """Outcomes of those jobs that are finished, as soon as there are any; [] when the time is over.

        The caller names the jobs it does not have yet. With `linger_seconds`, once something is there, wait up to
        that long for the rest, so that fewer, larger answers come. An answer stops growing beyond `max_bytes` but
        always holds something. Large results come as `outcomes.blobs`; get them with `read`. Deleted jobs among
        others are `JobNotFound` at the latest when there is nothing else left to answer.
        """
        ...

    def read(self, jid: int, blob: str) -> Buffer:
        """Bytes of a blob that an outcome of this job named; writable where that costs nothing (mapped privately)."""
        ...

    def status(self, jids: Ranges) -> bytes:
        """One `Status` per jid, in order."""
        ...

    def counts(self, jids: Ranges) -> dict[str, int]:
        """How many of the jobs, each counted once, have which status: its word and the number, those that none has
        left out. Cheap for a million jobs."""
        ...

    def info(self, jids: Ranges, fields: Sequence[str]) -> list[dict[str, Any]]:
        """One dict per jid, in order, with exactly the requested `INFO_FIELDS`.

        Values are JSON types; times are seconds since the epoch (the client makes datetimes); 'stdout' and 'stderr'
        are Buffers; 'args', 'kwargs' and 'func_object' are Buffers with the packed chunk or pickled function for the
        client to open (`{"chunk": Buffer, "first": int, "index": int}` for 'args' and 'kwargs': the job is number
        index - first in the chunk).
        """
        ...

    def why(self, jid: int) -> str:
        """One or a few sentences for people: why it does not run yet, or since when it does, or how it ended."""
        ...

    def output(
        self, jid: int, stream: str, *, start: int = 0, attempt: int = 0, timeout_seconds: float | None
    ) -> OutputPiece:
        """What a job wrote to one of `STREAMS`, from position `start` on, as soon as there is anything; a piece without
        data when the time is over. Remote speakers may answer earlier; the caller asks again.

        Args:
            start: `start + len(data)` of the piece before.
            attempt: of the piece before. Positions mean nothing in another attempt: its output comes from 0.
            timeout_seconds: as of `wait`.
        """
        ...

    def dependents(self, jid: int) -> Ranges:
        """Jids of the submissions that were told to wait for this job, whatever became of either, ascending; 1,000
        submissions at most. Jobs of them that were deleted since may be among them."""
        ...

    def stack(self, jid: int) -> str:
        """What a running job is doing: the stacks of all threads of its process, each with the innermost call last.
        The job is not disturbed. It takes milliseconds, and some seconds at most.

        Raises:
            JobNotRunning: it does not run, or keeps its stack from being seen.
        """
        ...

    def kill(self, jids: Ranges | None, *, force: bool = False) -> None:
        """Kill what is not finished; None means everything of the account. Returns when all that did not run is
        `killed` and the rest has been told; see DESIGN D9. Finished jobs are left as they are."""
        ...

    def rerun(self, jids: Ranges, *, token: str) -> Ranges:
        """Run finished jobs once more: a new submission for each that some of them are of, with the same function,
        code, arguments and settings, but for dependencies. Jobs are taken in ascending order, each once.

        Returns:
            The new jids, in the same order; a range for each submission. All of them are consecutive.

        Raises:
            InvalidSubmission: one of them is not finished; none was run.
            NoInterpreter: no worker can open them any more.
        """
        ...

    def delete(self, jids: Ranges) -> None:
        """Forget finished jobs: status, result, output, everything.

        Raises:
            InvalidSubmission: one of them is not finished; nothing was deleted.
        """
        ...

    def describe(self) -> dict[str, Any]:
        """About the core: 'slots', 'interpreters' (cache tags), 'platform' (of compiled modules); of a
        server also 'version', 'protocol', 'server_id'."""
        ...

    def close(self) -> None:
        """Let go of connections, threads and, in process, of workers."""
        ...


MAX_PIECE_BYTES = 2 << 20
"""The most bytes of a file in one call, there or back: neither side holds more of it in memory, and while one is stored
durably, which takes milliseconds, nothing else is."""


@dataclass(frozen=True, slots=True)
class FilePiece:
    """Some bytes of a file on their way in."""

    start: int
    """Which byte of the file is the first."""
    data: Buffer = field(repr=False)
    """1 to `MAX_PIECE_BYTES` bytes."""
    md5: str
    """Of `data`, hexadecimal."""
    stored: BlobRef | None = None
    """Where these bytes are already; see `NewChunk.stored`."""


class FilesApi(Protocol):
    """Files of one account. Spoken by `dispatch.Files` in process, and over whatever carries `JobApi`'s messages.

    As there, every call may be repeated without harm. A file is put in pieces, which a crash of the server between two
    calls does not lose, and appears, or replaces the one of its name, whole.
    """

    def put_piece(self, token: str, piece: FilePiece) -> None:
        """Store a piece durably. What is put under a token and never named is forgotten after an hour's silence.

        Raises:
            InvalidSubmission: it arrived damaged, or is too long.
            StoreFull: the disk is full; the piece was not stored.
        """
        ...

    def put_file(self, token: str, name: str, size_bytes: int, md5: str, last: FilePiece | None = None) -> File:
        """Make what was put under this token, and `last`, the file `name`, in place of the one that had this name.

        Args:
            token: made by the client, unique; a small file needs no other call than this.
            size_bytes: of the whole file.
            md5: of the whole file, hexadecimal. Checked here if all of it is in `last`, else by who reads it.

        Raises:
            InvalidSubmission: this cannot be a name, or pieces are missing.
        """
        ...

    def find_file(self, name: str) -> File:
        """The file of this name.

        Raises:
            FileNotFound: there is none.
        """
        ...

    def read_file(self, fid: int, start: int, size_bytes: int) -> Buffer:
        """Bytes from `start` on, `size_bytes` at most and at least one; none at the end of the file.

        Raises:
            FileNotFound: this version of the file is not here any more.
        """
        ...

    def list_files(self, prefix: str = "", after: str = "", limit: int = 1000) -> list[File]:
        """At most `limit` files whose names begin with `prefix` and come behind `after`, in the order of names."""
        ...

    def delete_file(self, name: str) -> None:
        """Forget a file, if there is one."""
        ...
