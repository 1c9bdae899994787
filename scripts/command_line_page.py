"""Writes docs/reference/command-line.md out of what the commands say of themselves; a test compares the two.

python -m scripts.command_line_page
"""

from pathlib import Path

import click

from cloud.cli.gone import INSTEAD
from cloud.cli.main import GROUPS, root

PAGE = Path(__file__).parents[1] / "docs" / "reference" / "command-line.md"
WIDTH = 100
BEGINNING = """# The command line

`picloud` makes jobs, looks at them and ends them; it controls the server of this user and machine, or runs one for
others. This page is what `picloud COMMAND --help` says. Python programs use `cloud`; see the [reference](api.md).

```
picloud exec 'make -j4' | xargs picloud result
picloud map images.py:shrink photos/*.jpg | picloud join -
picloud jobs --status error --since 1d --json
```

- **Jobs** are named by their jids: `12 15-20 3,4`; `-` stands for those in standard input.
- **`--json`** prints JSON, a line for each item, as soon as it is known. Without it, tables and texts for people,
  coloured on a terminal unless `NO_COLOR` is set; results and outputs are just as they are, for pipes.
- **Exit status**: 0 well, 1 an unexpected error, 2 wrong usage, 3 the server or a job reported an error, 130 Ctrl-C.
  What went wrong is on standard error.
- `PICLOUD_HOME` says whose server is meant; `PICLOUD_URL`, `PICLOUD_API_KEY` and `PICLOUD_API_SECRETKEY` name another
  one; see [settings](configuration.md).

## Before the command

`picloud --url https://jobs.example.com -a 17 jobs` asks another server; `picloud -s call statistics:mean '[1, 2]'`
runs a job without any.

```
{options}
```
"""
END = """## What PiCloud had, and is not there

Whoever writes one of these is told so by the command line itself.

| PiCloud | instead |
|---|---|
{rows}
| `wait-for port` | a job has no ports of its own; `picloud info -o machine JID` names its machine |
| `exec`, `mapexec` with `-e`, `-v` | environments and volumes are those of the Python that submits |
| `--version` after a command | before it, or `picloud version` |
"""


def page() -> str:
    """The whole text."""
    parts = [BEGINNING.replace("{options}", _options())]
    for title, commands in GROUPS.items():
        parts.append(f"## {title}\n")
        for name in commands:
            with click.Context(root, info_name="picloud", help_option_names=["-h", "--help"]) as above:
                found = root.get_command(above, name)
                assert found is not None
                parts += _described(found, above, f"picloud {name}", "###")
    rows = (f"| `{name}` | {what.replace('|', chr(92) + '|')} |" for name, what in INSTEAD.items())
    parts.append(END.replace("{rows}", "\n".join(rows)))
    return "\n".join(parts)


def _options() -> str:
    """Those of the command line itself."""
    with click.Context(
        root, info_name="picloud", help_option_names=["-h", "--help"], max_content_width=WIDTH, terminal_width=WIDTH
    ) as context:
        formatter = context.make_formatter()
        click.Command.format_options(root, context, formatter)
        return formatter.getvalue().rstrip()


def _described(command: click.Command, above: click.Context, path: str, mark: str) -> list[str]:
    name = path.rpartition(" ")[2]
    context = click.Context(command, above, info_name=name, terminal_width=WIDTH, max_content_width=WIDTH)
    with context:
        parts = [f"{mark} `{path}`\n", f"```\n{command.get_help(context).rstrip()}\n```\n"]
        if isinstance(command, click.Group):
            for inner in command.list_commands(context):
                below = command.get_command(context, inner)
                assert below is not None
                parts += _described(below, context, f"{path} {inner}", "####")
    return parts


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
