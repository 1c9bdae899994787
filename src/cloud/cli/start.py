"""picloud start"""

import json
import os
import shutil
import subprocess

import click

from cloud.cli.embedded import card
from cloud.config import ConfigError, Settings

_EPILOG = """\b
Examples:
  picloud start
  PICLOUD_WORKERS=4 picloud start
  picloud start --python ~/envs/py312/bin/python
"""


@click.command("start", epilog=_EPILOG)
@click.option("--python", metavar="PATH", type=click.Path(), help="Add workers of another Python interpreter.")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def command(python: str | None, as_json: bool) -> None:
    """Start the server of this user and machine, if it does not run, and say where it is.

    With --python, another interpreter, in which picloud is installed, runs what is pickled by its version of Python;
    the server remembers it. Programs on the server's own machine need it not: their jobs run on their own interpreter.
    """
    found_python = _examined(python) if python is not None else None
    from cloud.client.embedded import find_or_start
    from cloud.client.succession import is_older

    before = card().get("pid")
    endpoint = find_or_start(Settings.current())
    if found_python is not None:
        from cloud.client.http import HttpApi

        api = HttpApi(endpoint)
        api.add_interpreter(*found_python)
        api.close()
        if not as_json:
            click.echo(f"jobs of {found_python[0]} run on {found_python[1]}")
    found = card()
    word = "running" if found.get("pid") == before else "started"
    if as_json:
        click.echo(json.dumps({"url": found.get("url"), "pid": found.get("pid"), "started": word == "started"}))
        return
    click.echo(f"{word}: {found.get('url')}/ (process {found.get('pid')})")
    if is_older(found):
        click.echo(
            f"it is of version {found.get('version')}, older than this one, and runs jobs\n"
            "TIP: the next use restarts it when they are done; `picloud stop && picloud start` does so at once",
            err=True,
        )


def _examined(python: str) -> tuple[str, str]:
    """Cache tag and absolute path of an interpreter that can run workers.

    Raises:
        ConfigError: it cannot.
    """
    path = shutil.which(os.path.expanduser(python))
    if path is None:
        raise ConfigError(f"--python is {python!r}, where there is no program to run")
    words = [path, "-c", "import sys, cloud.runner, cloudpickle; print(sys.implementation.cache_tag)"]
    done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=60, cwd="/")
    tag = done.stdout.strip()
    if done.returncode or not tag.startswith("cpython-"):
        said = done.stderr.strip().rpartition("\n")[2] or "it is not CPython"
        raise ConfigError(
            f"--python is {path}, which cannot run jobs: {said}",
            hint=f"install picloud there: {path} -m pip install picloud",
        )
    return tag, os.path.abspath(path)
