"""What a worker is told when it is bound to an account and an environment, once for all."""

from collections.abc import Collection, Mapping, Sequence

from cloud.agent.interpreters import Interpreters
from cloud.agent.worker import Worker
from cloud.dispatch.ports import Blobs, Work

VISIBLE = "CUDA_VISIBLE_DEVICES"


class Binding:
    """Args:
    variables: what every worker has in its environment.
    serves: whether jobs can ask through their pipe.
    devices: of GPUs, those of each slot, as CUDA_VISIBLE_DEVICES names them; []: workers see what this process sees.
    """

    def __init__(
        self, interpreters: Interpreters, blobs: Blobs, variables: Mapping[str, str], *, serves: bool,
        devices: Sequence[str],
    ) -> None:  # fmt: skip
        self._interpreters, self._blobs, self._variables = interpreters, blobs, dict(variables)
        self._serves, self._devices = serves, devices

    def of(self, worker: Worker, work: Work, others: Collection[Worker]) -> dict[str, object]:
        """For this worker's first work; `others` are all workers that there are."""
        environment = work.submission.spec.environment
        here = self._interpreters.is_local(environment)
        variables = {**(environment.variables if here else {}), **self._variables}
        if self._devices:
            worker.devices = self._free(worker, others)
            variables[VISIBLE] = worker.devices
        return {
            "path": list(environment.path) if here else [], "directory": environment.directory if here else "",
            "variables": variables, "nonce": worker.nonce.hex(), "spool": self._blobs.spool(),
            "account": work.submission.account, "serves": self._serves,
        }  # fmt: skip

    def _free(self, worker: Worker, others: Collection[Worker]) -> str:
        """Those that the fewest workers have; of these, that the fewest jobs use."""
        mine = [w for w in others if w is not worker and not w.doomed]

        def use(devices: str) -> tuple[int, int]:
            have = [w for w in mine if w.devices == devices]
            return sum(w.busy for w in have), len(have)

        return min(self._devices, key=use)


def shares(visible: Sequence[str], slots: int, each: float) -> list[str]:
    """The devices of each slot: whole ones where a slot has one or more, else one that several share."""
    if not visible or each <= 0:
        return []
    if each >= 1:
        whole = int(each)
        return [",".join(visible[i * whole : (i + 1) * whole]) for i in range(min(slots, len(visible) // whole))]
    return [visible[min(int(i * each + 1e-9), len(visible) - 1)] for i in range(slots)]
