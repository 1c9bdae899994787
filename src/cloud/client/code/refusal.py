"""The error of local modules that cannot travel."""

from collections.abc import Sequence

from cloud.errors import CloudException


class CannotTransfer(CloudException):
    """Local modules that a job needs cannot be sent, or could not work there; the message lists all reasons. Nothing
    was submitted."""

    code = "cannot-transfer"


def refused(where: str, problems: Sequence[str], hint: str | None = None) -> CannotTransfer:
    """One error for all that is wrong."""
    if len(problems) == 1:
        return CannotTransfer(f"{where}: {problems[0]}", hint=hint)
    listed = "".join(f"\n  - {problem}" for problem in problems)
    return CannotTransfer(f"{where}: local modules of this job cannot be sent:{listed}", hint=hint)
