"""What commands print that made jobs."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import click

from cloud.cli.answers import print_json
from cloud.cli.jids import text_of


def print_jids(jobs: Sequence[int], *, as_json: bool) -> None:
    """'15-20', which other commands understand."""
    if as_json:
        print_json({"first": int(jobs[0]), "last": int(jobs[-1]), "count": len(jobs)} if jobs else {"count": 0})
    elif jobs:
        click.echo(text_of(range(int(jobs[0]), int(jobs[-1]) + 1)))


@contextmanager
def waiting_for(jobs: Sequence[int]) -> Iterator[None]:
    """While a command waits: whoever interrupts it is told which jobs go on."""
    try:
        yield
    except KeyboardInterrupt:
        from cloud.config import setting

        if jobs and not setting("use_simulator"):  # its jobs end with the program
            those = text_of(range(int(jobs[0]), int(jobs[-1]) + 1))
            what = f"jobs {those} go on" if len(jobs) > 1 else f"job {those} goes on"
            click.echo(f"picloud: {what}; `picloud kill {those}` ends {'them' if len(jobs) > 1 else 'it'}", err=True)
        raise
