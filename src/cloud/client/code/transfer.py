"""A code version on its way to a `JobApi`, and the environment that its jobs get."""

import os
import sysconfig
from collections.abc import Sequence
from dataclasses import replace

from cloud.api import JobApi, NewChunk
from cloud.client.code import ledger
from cloud.client.code.contents import Changed, read_again
from cloud.client.code.ledger import Ledger, LocalCode
from cloud.client.code.refusal import CannotTransfer
from cloud.client.code.tree import held_by
from cloud.client.surroundings import surroundings
from cloud.config import setting
from cloud.model import Buffer, Environment
from cloud.wire import worker

MESSAGE_BYTES = 4 << 20
_TRIES = 5
_KNOWN_MOST = 8


class Transfer:
    """Sees to it that one `JobApi` has the local modules of the jobs that it gets."""

    def __init__(self, api: JobApi) -> None:
        self._api = api
        self._known: dict[str, LocalCode] = {}
        """What the other side was seen to have."""
        self._environments: dict[str, tuple[Environment, Environment]] = {}

    def environment(self, where: str, digest: str, function: Buffer, chunks: Sequence[NewChunk]) -> Environment:
        """This program's surroundings with the code version that the job needs, which is there when this returns.

        Args:
            where: how the user calls it, for messages.
            digest, function: the pickled function.
            chunks: packed arguments.

        Raises:
            CannotTransfer: nothing may be submitted.
            CloudException: the server cannot be reached, or its disk is full.
        """
        here = surroundings()
        if getattr(self._api, "inside", False):  # the job that this is brought along what its own jobs need
            return here if worker.CODE is None else _inherited(here, *worker.CODE)
        if not setting("automatic_dependency_transfer"):
            return here
        for _ in range(_TRIES):
            code = _own_ledger().needed(where, digest, function, [chunk.parts for chunk in chunks])
            if code is None:
                return here
            try:
                if code.version not in self._known:
                    self._send(where, code)
                return self._with(here, code)
            except (Changed, FileNotFoundError):
                continue  # a file is being written just now: look again
        raise CannotTransfer(f"{where}: local files change all the time, so that no version of them can be sent")

    def about(self) -> dict[str, str]:
        """For `Spec.client`: distributions of this program's modules, for the error of a job that misses one."""
        text = ledger.LEDGER.distributions
        return {"distributions": text} if text else {}

    def repeat(self, where: str, version: str) -> None:
        """The other side does not have a version any more: send it again, if this program sent it at all.

        Raises:
            CannotTransfer: the files are not what they were.
        """
        code = self._known.pop(version, None)
        if code is None:
            return
        try:
            self._send(where, code)
        except (Changed, FileNotFoundError) as error:
            raise CannotTransfer(
                f"{where}: the server has forgotten the local modules of this job, and a file changed since: {error}",
                hint="submit it again",
            ) from None

    def check(
        self, where: str, environment: Environment, digest: str, function: Buffer, chunks: Sequence[NewChunk]
    ) -> None:
        """For later chunks of a map, whose environment is settled.

        Raises:
            CannotTransfer: they need modules that the earlier ones did not.
        """
        if getattr(self._api, "inside", False) or not setting("automatic_dependency_transfer"):
            return
        parts = [chunk.parts for chunk in chunks]
        if not _own_ledger().has_news(parts):
            return
        code = _own_ledger().needed(where, digest, function, parts)
        if code is not None and code.version != environment.code_version:
            raise CannotTransfer(
                f"{where}: later items of this map need local modules that the first ones do not",
                hint="name these modules in cloud.config.extra_modules",
            )

    def _with(self, here: Environment, code: LocalCode) -> Environment:
        known = self._environments.get(code.version)
        if known is None or known[0] is not here:
            gone = set(held_by(here.path, code.roots))
            path = tuple(entry for entry in here.path if entry not in gone)
            self._environments = {code.version: (here, replace(here, path=path, code_version=code.version))}
        return self._environments[code.version][1]

    def _send(self, where: str, code: LocalCode) -> None:
        self._check_platform(where, code)
        for _ in range(_TRIES):
            missing = self._api.missing_code(code.version, code.files)
            if not missing:
                while len(self._known) >= _KNOWN_MOST:
                    del self._known[next(iter(self._known))]
                self._known[code.version] = code
                return
            self._put(code, missing)
        raise CannotTransfer(f"{where}: the server does not keep the local modules that were sent to it")

    def _put(self, code: LocalCode, missing: Sequence[str]) -> None:
        batch: dict[str, Buffer] = {}
        size = 0
        for digest in missing:
            held = code.contents[digest]
            data = held.data if held.data is not None else read_again(held)
            if batch and size + len(data) > MESSAGE_BYTES:
                self._api.put_code(batch)
                batch, size = {}, 0
            batch[digest] = data
            size += len(data)
        self._api.put_code(batch)

    def _check_platform(self, where: str, code: LocalCode) -> None:
        if not code.extensions:
            return
        theirs, ours = self._api.describe().get("platform"), sysconfig.get_platform()
        if theirs not in (None, ours):
            raise CannotTransfer(
                f"{where}: the server's workers run on {theirs}, and these compiled modules were built for "
                f"{ours}: {', '.join(code.extensions)}",
                hint="install the package on the server, and leave it out with cloud.set_dependency_whitelist",
            )


def _inherited(here: Environment, version: str, folder: str) -> Environment:
    """The environment of the job that this code runs in."""
    variables = dict(here.variables)
    if "PYTHONPATH" in variables:
        left = [entry for entry in variables["PYTHONPATH"].split(os.pathsep) if entry != folder]
        if left:
            variables["PYTHONPATH"] = os.pathsep.join(left)
        else:
            del variables["PYTHONPATH"]
    path = tuple(entry for entry in here.path if entry != folder)
    return replace(here, path=path, variables=variables, code_version=version)


_owner = os.getpid()


def _own_ledger() -> Ledger:
    """In a child of this program, the lock of the parent's ledger may be held by a thread that is not there."""
    global _owner
    if _owner != os.getpid():
        _owner = os.getpid()
        ledger.LEDGER = Ledger()
    return ledger.LEDGER
