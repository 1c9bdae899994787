"""picloud completion"""

import json
import os
from typing import Any

import click

_EPILOG = """\b
Examples:
  eval "$(picloud completion bash)"             # in ~/.bashrc
  eval "$(picloud completion zsh)"              # in ~/.zshrc
  picloud completion fish > ~/.config/fish/completions/picloud.fish
"""
_PATIENCE_SECONDS = 0.5
_MOST = 30


@click.command("completion", epilog=_EPILOG)
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def command(shell: str) -> None:
    """Print a script that makes a shell complete commands, options, and jids of recent jobs."""
    from click.shell_completion import get_completion_class

    from cloud.cli.main import root

    found = get_completion_class(shell)
    assert found is not None
    complete = found(root, {}, "picloud", "_PICLOUD_COMPLETE")
    click.echo(complete.source_template % complete.source_vars())


def jids_beginning(beginning: str) -> list[Any]:
    """Recent jobs, for a shell: of this user's server if it runs and is quick; else none."""
    from click.shell_completion import CompletionItem

    try:
        found = _recent()
    except (OSError, ValueError, KeyError):
        return []
    items = []
    for row in found:
        text = str(row["first"]) if row["count"] == 1 else f"{row['first']}-{row['last']}"
        if text.startswith(beginning):
            items.append(CompletionItem(text, help=" ".join(filter(None, [row["function"], row["label"]]))))
    return items[:_MOST]


def _recent() -> list[dict[str, Any]]:
    import base64
    from urllib.request import ProxyHandler, Request, build_opener

    from cloud.cli.embedded import card

    found = {} if os.environ.get("PICLOUD_URL") else card()
    if "secret" not in found:
        return []
    proof = base64.b64encode(f"{found['key']}:{found['secret']}".encode()).decode()
    request = Request(f"{found['url']}/v1/submissions", headers={"Authorization": f"Basic {proof}"})  # noqa: S310 (ours)
    with build_opener(ProxyHandler({})).open(request, timeout=_PATIENCE_SECONDS) as answer:
        rows: list[dict[str, Any]] = json.load(answer)["submissions"]
    return rows
