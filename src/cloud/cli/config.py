"""picloud config"""

import json
import os
import sys
from typing import Any

import click

from cloud.cli.proposed import proposed

_EPILOG = """\b
Examples:
  picloud config
  picloud config num_procs url
  $EDITOR "$(picloud config --path)"
"""


@click.command("config", epilog=_EPILOG)
@click.argument("names", nargs=-1, metavar="[OPTION]...", shell_complete=proposed("settings"))
@click.option("--path", is_flag=True, help="Only say where cloudconf.py is.")
@click.option("--json", "as_json", is_flag=True, help="A line of JSON for each.")
def command(names: tuple[str, ...], path: bool, as_json: bool) -> None:
    """Show settings, and where they come from: the environment, cloudconf.py, or the default.

    They are changed in cloudconf.py, or with variables of the environment. Secrets are not shown.
    """
    from cloud.cli.answers import print_json
    from cloud.cli.table import lines_of
    from cloud.config import getconfigpath
    from cloud.config.options import BY_NAME, OPTIONS

    if path:
        click.echo(os.path.join(getconfigpath(), "cloudconf.py"))
        return
    if unknown := [name for name in names if name not in BY_NAME]:
        raise click.UsageError(f"there is no option {unknown[0]!r}; there are {', '.join(sorted(BY_NAME))}")
    wanted = [BY_NAME[name] for name in names] or [option for option in OPTIONS if not option.hidden]
    found = [_described(option) for option in wanted]
    if as_json:
        for setting in found:
            print_json(setting)
    elif len(names) == 1:
        value = found[0]["value"]
        click.echo(value if isinstance(value, str) else json.dumps(value))
    else:
        rows = [[each["option"], json.dumps(each["value"]), each["from"]] for each in found]
        sys.stdout.write(
            "\n".join(lines_of(("OPTION", "VALUE", "FROM"), rows, gives_way=1, whole=(0,), spare=(2,))) + "\n"
        )


def _described(option: Any) -> dict[str, Any]:
    from cloud.config.values import VALUES

    value = VALUES.now(option.name)
    if os.environ.get(option.environment):
        place = option.environment
    elif value != option.default:
        place = "cloudconf.py"
    else:
        place = "default"
    secret = "secret" in option.name and bool(value)
    return {"option": option.name, "value": "***" if secret else value, "from": place}
