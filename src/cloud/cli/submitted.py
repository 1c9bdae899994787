"""What commands print that made several jobs."""

from collections.abc import Sequence

import click

from cloud.cli.answers import print_json
from cloud.cli.jids import text_of


def print_jids(jobs: Sequence[int], *, as_json: bool) -> None:
    """'15-20', which other commands understand."""
    if as_json:
        print_json({"first": int(jobs[0]), "last": int(jobs[-1]), "count": len(jobs)} if jobs else {"count": 0})
    elif jobs:
        click.echo(text_of(range(int(jobs[0]), int(jobs[-1]) + 1)))
