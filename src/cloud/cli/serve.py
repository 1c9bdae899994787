"""picloud serve"""

import click

_EPILOG = """\b
Examples:
  picloud serve --host 0.0.0.0 --port 8000 --allow-host jobs.example.com
  picloud serve --store /srv/picloud --workers 16
  picloud serve --store postgresql://picloud@db/jobs --blobs s3://bucket/jobs
"""


@click.command("serve", epilog=_EPILOG)
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", default=8000, show_default=True, type=click.IntRange(0, 65535), help="Port; 0: any.")
@click.option("--store", metavar="URL", help="Where jobs are kept: a folder, or postgresql://…")
@click.option("--blobs", metavar="URL", help="Where large values are kept: a folder, or s3://…")
@click.option(
    "--engine", type=click.Choice(["local", "ray"]), default="local", show_default=True, help="What runs the jobs."
)
@click.option("--workers", type=click.IntRange(0), help="Jobs that run at once; 0, the default: one per core.")
@click.option("--allow-host", metavar="NAME", multiple=True, help="A name under which clients reach this server.")
def command(
    host: str,
    port: int,
    store: str | None,
    blobs: str | None,
    engine: str,
    workers: int | None,
    allow_host: tuple[str, ...],
) -> None:
    """Run a server in the foreground, until Ctrl-C or SIGTERM."""
    from cloud.config import ConfigError, Settings
    from cloud.server.serve import Wanted, places, serve

    if engine == "ray":
        raise ConfigError("--engine is 'ray'; this version runs jobs on local processes only: use --engine local")
    settings = Settings.from_environment()
    folder, store, blobs = places(store, blobs, settings.home, port)
    number = settings.workers if workers is None else workers
    serve(Wanted(folder=folder, host=host, port=port, workers=number, names=allow_host, store=store, blobs=blobs))
