"""docs/reference/command-line.md is what the commands say of themselves."""

import click

from cloud.cli.main import COMMANDS, root
from scripts.command_line_page import PAGE, page


def test_the_page_is_what_help_says() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "run `python -m scripts.command_line_page`"


def test_every_command_says_what_it_is_for_and_gives_an_example() -> None:
    with click.Context(root, info_name="picloud") as context:
        found = {name: root.get_command(context, name) for name in COMMANDS}
    assert [name for name, command in found.items() if command is None or not command.help] == []
    assert [name for name, command in found.items() if command is not None and not command.epilog] == []


def test_every_option_is_described() -> None:
    with click.Context(root, info_name="picloud") as context:
        options = [
            (name, option.opts)
            for name in COMMANDS
            if (command := root.get_command(context, name)) is not None
            for option in command.params
            if isinstance(option, click.Option) and not option.help
        ]
    assert options == []
