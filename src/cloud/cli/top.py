"""picloud top"""

import sys

import click

_EPILOG = """\b
Examples:
  picloud top
  picloud top --json | jq .queued
  picloud top --json --follow
"""


@click.command("top", epilog=_EPILOG)
@click.option("-f", "--follow", is_flag=True, help="With --json: a line after each change, until Ctrl-C.")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def command(follow: bool, as_json: bool) -> None:
    """Show what goes on, live: slots, throughput, what runs, and what is submitted. `q` ends it.

    Where there is no terminal, it is shown once.
    """
    from cloud.cli.answers import print_json
    from cloud.client.connect import endpoint_of, settings_with_secret
    from cloud.client.key_requests import KeyRequests

    if follow and not as_json:
        raise click.UsageError("--follow goes with --json; on a terminal it is live without")
    if as_json and not follow:
        print_json(KeyRequests().ask("GET", "top"))
    elif as_json:
        from cloud.cli.snapshots import snapshots

        for snapshot in snapshots(endpoint_of(settings_with_secret())):
            print_json(snapshot)
    elif sys.stdout.isatty() and sys.stdin.isatty():
        from cloud.cli.screen import show_live

        show_live(endpoint_of(settings_with_secret()))
    else:
        from cloud.cli.top_view import print_once

        requests = KeyRequests()
        print_once(requests.ask("GET", "top"), requests.server)
