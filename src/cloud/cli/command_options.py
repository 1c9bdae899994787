"""Options of `exec` and `mapexec`."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import click

Decorated = Callable[..., Any]

SETTINGS = {"allow_interspersed_args": False}
"""Whatever follows the command's first word belongs to the command."""


def command_options(command: Decorated) -> Decorated:
    """Adds them."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


_OPTIONS = (
    click.option(
        "-d",
        "--data",
        metavar="NAME=VALUE",
        multiple=True,
        help="What {NAME} stands for; @PATH sends a file along; @@ is a plain @.",
    ),
    click.option("-r", "--return-file", metavar="FILE", help="The result is its content, not standard output."),
    click.option("-i", "--ignore-exit-status", is_flag=True, help="Jobs are done whatever their exit status."),
    click.option("-w", "--workdir", metavar="DIR", type=click.Path(file_okay=False), help="The directory to run in."),
)


@contextmanager
def mistakes_told() -> Iterator[None]:
    """What programs get as exceptions of Python is a mistake in what was typed."""
    from cloud.config import ConfigError

    try:
        yield
    except ConfigError:
        raise
    except (TypeError, ValueError) as error:
        raise click.UsageError(str(error)) from None
    except FileNotFoundError as error:
        if not error.filename:
            raise
        raise click.UsageError(f"{error.filename}: {error.strerror}") from None


def command_of(words: tuple[str, ...]) -> str:
    """The command; a single word is a whole command line, several are what a shell has taken apart."""
    import shlex

    if len(words) == 1:
        return words[0]
    if any(char.isspace() for char in words[0]):
        raise click.UsageError(f"{words[0]!r} is a whole command line: options come before it, and nothing behind it")
    return " ".join(word if _is_template(word) else shlex.quote(word) for word in words)


def _is_template(word: str) -> bool:
    """Whether a word with a variable needs no quotes otherwise."""
    import re

    return re.fullmatch(r"[\w@%+=:,./{}-]+", word) is not None
