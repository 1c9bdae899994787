"""picloud serve"""

from typing import Any

import click

EXIT_MISTAKES = 2
EXIT_UNREACHABLE = 3
NEW_CLUSTER = "new"

_OPTIONS = {
    "host": ("server", "host"), "port": ("server", "port"), "url": ("server", "url"),
    "allow_host": ("server", "names"), "store": ("store", "url"), "blobs": ("blobs", "url"),
    "engine": ("engine", "kind"), "workers": ("engine", "workers"), "cluster": ("engine", "address"),
}  # fmt: skip
_EPILOG = """\b
Examples:
  picloud serve --host 0.0.0.0 --port 8000 --allow-host jobs.example.com
  picloud serve --store /srv/picloud --workers 16
  picloud serve --store postgresql://picloud@db/jobs --blobs s3://bucket/jobs
  picloud serve --engine ray --cluster new --workers 2
  picloud serve --config /etc/picloud.toml --check
"""


@click.command("serve", epilog=_EPILOG)
@click.option(
    "--config", metavar="FILE", type=click.Path(), help="A TOML file with all settings; options given here win over it."
)
@click.option("--check", is_flag=True, help="Look whether it could run, and say what is in the way; then end.")
@click.option("--host", metavar="ADDRESS", help="Address to listen on.  [default: 127.0.0.1]")
@click.option("--port", type=click.IntRange(0, 65535), help="Port; 0: any.  [default: 8000]")
@click.option("--url", metavar="URL", help="Address under which clients and jobs reach this server, if it is another.")
@click.option("--store", metavar="URL", help="Where jobs are kept: a folder, or postgresql://…")
@click.option("--blobs", metavar="URL", help="Where large values are kept: a folder, or s3://…")
@click.option("--engine", type=click.Choice(["local", "ray"]), help="What runs the jobs.  [default: local]")
@click.option("--cluster", metavar="ADDRESS", help="Of Ray: HOST:PORT, auto (this machine's), or new: one for a trial.")
@click.option("--workers", type=click.IntRange(0), help="Jobs that run at once; 0, the default: one per core.")
@click.option("--allow-host", metavar="NAME", multiple=True, help="A name under which clients reach this server.")
def command(config: str | None, *, check: bool, **told: Any) -> int:
    """Run a server in the foreground, until Ctrl-C or SIGTERM.

    Mistakes in the settings end it with status 2, a store or cluster that cannot be reached with 3.
    """
    from cloud.config import ConfigError, Settings
    from cloud.server.configuration.reading import Given, read_configuration

    settings = Settings.from_environment()
    values = {_OPTIONS[name]: value for name, value in told.items() if value not in (None, ())}
    names = dict(_OPTIONS)
    if told["engine"] == "ray":
        names["workers"] = ("engine", "slots")  # of its agent
        values = {names[name]: value for name, value in told.items() if value not in (None, ()) and name in names}
    elif ("engine", "workers") not in values and config is None:
        values["engine", "workers"] = settings.workers
    if values.get(("engine", "address")) == NEW_CLUSTER:
        values["engine", "address"] = ""
    options = {place: f"--{name.replace('_', '-')}" for name, place in names.items() if place in values}
    try:
        configuration = read_configuration(config, Given(values, options))
        if check:
            return _check(configuration, settings.home)
        from cloud.server.serve import serve

        serve(configuration, settings.home)
    except ConfigError as error:
        click.echo(f"picloud: {error.parameter}", err=True)
        return EXIT_MISTAKES
    return 0


def _check(configuration: Any, home: str) -> int:
    from cloud.server.check import findings

    click.echo("settings: good")
    bad = False
    for finding in findings(configuration, home):
        click.echo(f"{finding.what}: {'good' if finding.good else 'BAD'}: {finding.text}")
        bad |= not finding.good
    return EXIT_UNREACHABLE if bad else 0
