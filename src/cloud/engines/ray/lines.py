"""Ray as the way to agents: each is a detached, named actor that asks Ray for its cores."""

import asyncio
import contextlib
import itertools
import logging
import secrets
import threading
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import ray
import ray.exceptions
import ray.util

from cloud.engines.fleet.lines import TAKEN, Found, Gone, Heard, Joined, agent_name, kind_of, prefix_of
from cloud.errors import CloudException
from cloud.wire.message import Header, decode

log = logging.getLogger("Cloud.ray")

LISTEN_SECONDS = 1.0
"""A living agent answers at least so often: this is its ping."""
FOUND_SECONDS = 5.0
"""How long agents that an earlier server left may take to answer."""
CALLS_AT_ONCE = 8
CLOSE_SECONDS = 5.0


class RayLines:
    """A connection to a Ray cluster, from a process that has no other.

    Args:
        actor: the class of the agents; it has `Foreman`'s methods, and `end`. It is imported on their machines.
        address: of the cluster; '' starts a local one of this process, for a trial; 'auto' finds the one of this
            machine.
        namespace: whose agents these are: the same for all servers of one store.
        server: this server's name among these, the same whenever it starts.
        told: what each agent is told besides its slots: the actor says what it needs.
        epoch: see `Foreman.hello`; '' makes one.
        options: what each agent asks Ray for besides a core a slot: {"memory": bytes, "num_gpus": n, ...}.
    """

    def __init__(
        self, actor: type, address: str, namespace: str, server: str, told: Header, *,
        options: Mapping[str, Any] | None = None, local: Mapping[str, Any] | None = None, epoch: str = "",
    ) -> None:  # fmt: skip
        self._told = dict(told)
        self._options = dict(options or {})
        self._namespace = namespace
        self._server = server
        self.epoch = epoch or secrets.token_hex(8)
        self.trouble = ""
        if not ray.is_initialized():
            _connect(address, namespace, dict(local or {}))
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="picloud-ray", daemon=True)
        self._actor: Any = ray.remote(actor)

    def open(self, joined: Joined, heard: Heard, gone: Gone) -> Found:
        """See `Lines.open`."""
        self._joined, self._heard, self._gone = joined, heard, gone
        self._thread.start()
        return self._greet([name for name in self._names() if name.startswith(prefix_of(self._server))])

    def take(self, names: Collection[str]) -> Found:
        """See `Lines.take`."""
        return self._greet(sorted(set(self._names()).intersection(names)))

    def start(self, wanted: Header) -> str:
        """The actor is made when Ray has room for it; until then it is demand that an autoscaler sees."""
        return self.begin(agent_name(self._server, wanted["type"]), wanted).name

    def begin(self, name: str, wanted: Header) -> "RayLine":
        """The same, under this name; where there are several machines, not all on one of them."""
        options: dict[str, Any] = {"num_cpus": wanted["cores"], **self._options}
        if "memory" in wanted:
            options["memory"] = wanted["memory"]
        if "gpus" in wanted:
            options["num_gpus"] = wanted["gpus"]
        handle = self._actor.options(
            name=name, namespace=self._namespace, lifetime="detached", max_concurrency=CALLS_AT_ONCE, max_restarts=0,
            max_task_retries=-1, scheduling_strategy="SPREAD", **options,
        ).remote({**self._told, **wanted})  # fmt: skip
        line = self._line(name, handle)
        self._follow(line, handle.hello.remote(self.epoch))
        return line

    def resume(self, name: str, since: int, *, here: bool) -> "RayLine | None":
        """Go on with an agent of this epoch where another process was; None: it is gone.

        Args:
            since: the first group that was not heard yet.
            here: whether it has answered `hello`.
        """
        line = self.find(name)
        if line is not None:
            line.since, line.answered = since, here
            self._follow(line, None if here else line.handle.hello.remote(self.epoch))
        return line

    def find(self, name: str) -> "RayLine | None":
        """One that Ray knows."""
        try:
            return self._line(name, ray.get_actor(name, self._namespace))
        except ValueError:
            return None

    def close(self) -> None:
        """Detached actors stay."""
        asyncio.run_coroutine_threadsafe(self._end_listening(), self._loop).result(CLOSE_SECONDS)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(CLOSE_SECONDS)
        self._loop.close()

    async def _end_listening(self) -> None:
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    def _names(self) -> list[str]:
        agents = ray.util.list_named_actors(all_namespaces=True)
        return [about["name"] for about in agents if about["namespace"] == self._namespace]

    def _line(self, name: str, handle: Any) -> "RayLine":
        return RayLine(name, handle, self.epoch, self._gone)

    def _greet(self, names: Sequence[str]) -> Found:
        """Those that answer in time; others join when they do."""
        asked: dict[Any, RayLine] = {}
        for name in names:
            line = self.find(name)
            if line is None:  # it has just ended
                continue
            asked[line.handle.hello.remote(self.epoch)] = line
        answered, late = ray.wait(list(asked), num_returns=len(asked), timeout=FOUND_SECONDS) if asked else ([], [])
        for ref in late:
            log.warning("agent %s does not answer, or waits for room; if it comes, what it runs is dropped",
                        asked[ref].name)  # fmt: skip
            self._follow(asked[ref], ref)
        found = Found([], [asked[ref] for ref in late])
        for ref in answered:
            line = asked[ref]
            try:
                answer: bytes = ray.get(ref)
            except ray.exceptions.RayError as error:
                log.warning("agent %s is gone: %s", line.name, _first_line(error))
                continue
            if answer:
                line.answered = True
                found.here.append((line, answer))
                self._follow(line, None)
        return found

    def _follow(self, line: "RayLine", hello: Any) -> None:
        """Listen to it, once it has answered this."""
        asyncio.run_coroutine_threadsafe(self._listen(line, hello), self._loop)

    async def _listen(self, line: "RayLine", hello: Any) -> None:
        try:
            if hello is not None:
                answer = await hello
                line.answered = True
                self._joined(line, answer)
            while not line.ended:
                answer = await self._next(line)
                if answer == b"":
                    self._gone(line, "it ended")
                    return
                if answer is not None:
                    header, groups = decode(answer)
                    if "taken" in header:
                        self._gone(line, TAKEN)
                        return
                    line.since, line.told = header["first"] + len(groups), header["told"]
                    self._heard(line, answer)
        except (ray.exceptions.ActorDiedError, ray.exceptions.RayTaskError) as error:
            self._gone(line, _reason(error))
        except asyncio.CancelledError:
            raise
        except Exception as error:
            log.exception("agent %s cannot be listened to", line.name)
            self._gone(line, f"it cannot be listened to: {error!r}")

    async def _next(self, line: "RayLine") -> bytes | None:
        """None: it could not be asked, which does not say that it is dead; the engine counts its silence."""
        try:
            answer: bytes = await line.handle.listen.remote(self.epoch, line.since, line.acknowledged, LISTEN_SECONDS)
        except (ray.exceptions.ActorDiedError, ray.exceptions.RayTaskError):
            raise
        except ray.exceptions.RayError as error:
            log.warning("agent %s could not be asked: %s", line.name, _first_line(error))
            await asyncio.sleep(LISTEN_SECONDS / 2)
            return None
        return answer


class RayLine:
    """See `Line`."""

    def __init__(self, name: str, handle: Any, epoch: str, gone: Gone) -> None:
        self.name = name
        self.kind = kind_of(name)
        self.handle = handle
        self.answered = False
        self.since = 0
        """The first group that was not heard yet."""
        self.told = 0
        """It has got all messages below this number."""
        self.acknowledged = 0
        self.ended = False
        self._epoch = epoch
        self._numbers = itertools.count()
        self._gone = gone

    def tell(self, message: bytes) -> None:
        """Sent at once; numbered, because calls of an actor with several threads may overtake each other. Ray repeats
        it until the actor has got it or is dead."""
        self.send(next(self._numbers), message)

    def send(self, number: int, message: bytes) -> None:
        """The same, with this number."""
        try:
            self.handle.tell.remote(self._epoch, number, message)
        except Exception as error:  # Ray is gone, or cannot hold it; what follows it would wait for ever
            self._gone(self, f"it could not be told something: {_first_line(error)}")

    def ask(self, message: bytes, seconds: float) -> bytes:
        """Waits for the answer."""
        try:
            answer: bytes = ray.get(self.handle.ask.remote(self._epoch, message, seconds), timeout=seconds)
        except (ray.exceptions.RayError, TimeoutError):
            return b""
        return answer

    def acknowledge(self, groups: int) -> None:
        """Said with the next listening."""
        self.acknowledged = groups

    def end(self) -> None:
        """Kills its jobs first, if it can still be talked to."""
        self.ended = True
        with contextlib.suppress(Exception):  # it is dead, or Ray is
            if self.answered:
                self.handle.end.remote()
            else:
                ray.kill(self.handle)  # also one that Ray has no room for: it does not want it any more


def _connect(address: str, namespace: str, local: dict[str, Any]) -> None:
    told: dict[str, Any] = {
        "namespace": namespace, "log_to_driver": False, "configure_logging": False, "include_dashboard": False,
    }  # fmt: skip
    if address:
        told = {"address": address, "namespace": namespace, "log_to_driver": False, "configure_logging": False}
    try:
        ray.init(**{**told, **local})
    except Exception as error:
        raise CloudException(
            f"the Ray cluster {address or 'of this machine'} cannot be joined: {_first_line(error)}",
            hint="`ray status` on this machine says whether a cluster is there and takes this machine's token",
        ) from error


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0]


def _reason(error: Exception) -> str:
    """Ray tells long stories; the cause is in a line of its own."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    causes = [line for line in lines if "cause" in line.lower() or "Error" in line]
    return (causes or lines or [type(error).__name__])[-1][:300]
