"""Completion that is imported only when a shell asks for it."""

from collections.abc import Callable
from typing import Any

import click


def proposed(what: str) -> Callable[[click.Context, click.Parameter, str], list[Any]]:
    """A function of `cloud.cli.proposals`, by its name."""

    def propose(ctx: click.Context, param: click.Parameter, beginning: str) -> list[Any]:
        from cloud.cli import proposals

        found: list[Any] = getattr(proposals, what)(ctx, param, beginning)
        return found

    return propose
