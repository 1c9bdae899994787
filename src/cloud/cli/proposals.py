"""What shells propose while somebody types: what the server knows, if it is quick; what is in a script."""

import os
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import click
from click.shell_completion import CompletionItem

_PATIENCE_SECONDS = 0.5
_MOST = 30

if TYPE_CHECKING:
    Items = list[CompletionItem[Any]]
else:
    Items = list  # older versions of click know no brackets


def jids(beginning: str) -> Items:
    """Recent jobs, newest first."""
    from cloud.cli.names import function_text

    items = []
    for row in _listed("submissions", "submissions"):
        text = str(row["first"]) if row["count"] == 1 else f"{row['first']}-{row['last']}"
        if text.startswith(beginning):
            about = filter(None, [function_text(row["function"]), row["label"]])
            items.append(CompletionItem(text, help=" ".join(about)[:60]))
    return items[:_MOST]


def stored_files(_ctx: click.Context, _param: click.Parameter, beginning: str) -> Items:
    """Names of stored files."""
    found = _listed(f"files?{urlencode({'prefix': beginning})}", "files")
    return [CompletionItem(file["name"]) for file in found[:_MOST]]


def keys(_ctx: click.Context, _param: click.Parameter, beginning: str) -> Items:
    """Keys of the account."""
    found = [key for key in _listed("keys", "keys") if key["api_key"].startswith(beginning)]
    return [CompletionItem(key["api_key"], help=key["note"]) for key in found[:_MOST]]


def accounts(_ctx: click.Context, _param: click.Parameter, beginning: str) -> Items:
    """Accounts, by name where they have one."""
    found = [one["name"] or str(one["account"]) for one in _listed("accounts", "accounts")]
    return [CompletionItem(name) for name in found if name.startswith(beginning)][:_MOST]


def settings(_ctx: click.Context, _param: click.Parameter, beginning: str) -> Items:
    """Options of cloudconf.py."""
    from cloud.config.options import OPTIONS

    return [CompletionItem(option.name, help=option.doc) for option in OPTIONS if option.name.startswith(beginning)]


def info_fields(_ctx: click.Context, _param: click.Parameter, beginning: str) -> Items:
    """What `picloud info -o` can be asked for; several with commas between."""
    from cloud.api import INFO_FIELDS

    before, comma, last = beginning.rpartition(",")
    return [CompletionItem(f"{before}{comma}{name}") for name in ("all", *INFO_FIELDS) if name.startswith(last)]


def functions(_ctx: click.Context, _param: click.Parameter, beginning: str) -> Items:
    """Scripts here; behind the colon, functions in them."""
    place, colon, name = beginning.rpartition(":")
    if not colon:
        return [CompletionItem(beginning, type="file")]
    import ast

    path = place if place.endswith(".py") or os.sep in place else f"{place.replace('.', os.sep)}.py"
    try:
        with open(path, "rb") as file:
            body = ast.parse(file.read()).body
    except (OSError, SyntaxError, ValueError):
        return []
    found = [one.name for one in body if isinstance(one, ast.FunctionDef | ast.ClassDef) and one.name.startswith(name)]
    return [CompletionItem(f"{place}:{one}") for one in found if name or not one.startswith("_")]


def _listed(path: str, member: str) -> list[dict[str, Any]]:
    """What the server says that is set, or the one of this user if it runs; nothing is started for it."""
    import json
    from urllib.request import ProxyHandler, Request, build_opener

    from cloud.client import embedded
    from cloud.client.connect import endpoint_of, settings_with_secret
    from cloud.errors import CloudException

    try:
        settings = settings_with_secret()
        endpoint = embedded.find(settings) if settings.url is None else endpoint_of(settings)
        if endpoint is None:
            return []
        request = Request(f"{endpoint.url}/v1/{path}", headers={"Authorization": endpoint.authorization()})  # noqa: S310 (ours)
        with build_opener(ProxyHandler({})).open(request, timeout=_PATIENCE_SECONDS) as answer:
            rows: list[dict[str, Any]] = json.load(answer)[member]
    except (CloudException, OSError, ValueError, KeyError, TypeError):
        return []
    return rows
