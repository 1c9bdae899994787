"""Options that all commands share which make jobs, as the reserved keywords of `cloud.call`."""

from collections.abc import Callable
from typing import Any

import click

from cloud.cli.jids import Jid, together

Decorated = Callable[..., Any]


def job_options(command: Decorated) -> Decorated:
    """Adds them; they come as one mapping `reserved`, without those that were not given."""
    from functools import wraps

    @wraps(command)
    def with_reserved(**given: Any) -> Any:
        return command(reserved=_taken(given), **given)

    for option in reversed(_OPTIONS):
        with_reserved = option(with_reserved)
    return with_reserved


_OPTIONS = (
    click.option("-l", "--label", help="A label, to find them by."),
    click.option("-x", "--depends-on", metavar="JIDS", multiple=True, type=Jid(), help="Run after these jobs."),
    click.option(
        "--depends-on-errors", type=click.Choice(["abort", "ignore"]), help="Whether they run when one of those failed."
    ),
    click.option("--priority", type=int, help="Lower runs earlier; 5 is usual."),
    click.option("-c", "--cores", type=int, help="Cores that a job needs."),
    click.option("-t", "--type", "core_type", metavar="NAME", help="Type of core: c1, or one that the server has."),
    click.option("-m", "--max-runtime", type=float, metavar="MINUTES", help="Kill a job that runs longer."),
    click.option("--not-restartable", is_flag=True, help="Never start a job again that was lost."),
)
_KEYWORDS = {
    "label": "_label", "depends_on_errors": "_depends_on_errors", "priority": "_priority", "cores": "_cores",
    "core_type": "_type", "max_runtime": "_max_runtime",
}  # fmt: skip


def _taken(given: dict[str, Any]) -> dict[str, Any]:
    found = {keyword: given.pop(name) for name, keyword in _KEYWORDS.items()}
    reserved = {keyword: value for keyword, value in found.items() if value is not None}
    if depends_on := together(given.pop("depends_on")):
        reserved["_depends_on"] = depends_on
    if given.pop("not_restartable"):
        reserved["_restartable"] = False
    return reserved
