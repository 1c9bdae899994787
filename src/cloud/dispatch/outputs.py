"""What jobs printed, as files beside their serialization logs (SPEC S72); for a core that serves its own program."""

import logging

from cloud.dispatch.ports import Store
from cloud.model import Outcomes

log = logging.getLogger("Cloud.datalogs")


class OutputFiles:
    """Writes `...result.stdout` and `.stderr`, or `...jobresult_<index>.stdout`, where a `Spec.datalog` says where.

    A server never has one: it would write where its clients tell it to.
    """

    def __init__(self, store: Store) -> None:
        self._store = store

    def __call__(self, outcomes: Outcomes) -> None:
        """These have been stored. What cannot be written is logged, and the job's end stands."""
        submission = self._store.submission(outcomes.sid)
        if submission is None or not submission.spec.datalog or outcomes.is_uniform:
            return
        start, is_call = submission.spec.datalog, submission.spec.kind == "call"
        try:
            for index in range(outcomes.lo, outcomes.hi):
                name = f"{start}.result" if is_call else f"{start}.jobresult_{index}"
                for stream in ("stdout", "stderr"):
                    with open(f"{name}.{stream}", "wb") as file:
                        file.write(outcomes.bytes_of(stream, index))
        except OSError as error:
            log.warning("the output of jobs is not logged: %s", error)
