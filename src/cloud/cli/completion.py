"""picloud completion"""

import click

_EPILOG = """\b
Examples:
  eval "$(picloud completion bash)"             # in ~/.bashrc
  eval "$(picloud completion zsh)"              # in ~/.zshrc
  picloud completion fish > ~/.config/fish/completions/picloud.fish
"""


@click.command("completion", epilog=_EPILOG)
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def command(shell: str) -> None:
    """Print a script that makes a shell complete commands, options, jids of recent jobs, names of files and keys."""
    from click.shell_completion import get_completion_class

    from cloud.cli.main import root
    from cloud.cli.shells import register

    register()
    found = get_completion_class(shell)
    assert found is not None
    complete = found(root, {}, "picloud", "_PICLOUD_COMPLETE")
    click.echo(complete.source_template % complete.source_vars(), nl=False)
