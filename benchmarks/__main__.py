"""`python -m benchmarks [module ...]`: run them one after another, each in a fresh interpreter; print a table."""

import subprocess
import sys
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks import figure

MODULES = (
    "tiny_jobs", "single_call", "pickling", "first_result", "million_jobs", "killing", "weight", "dashboard", "ray",
    "team",
)  # fmt: skip


def main() -> int:
    """Exit status 1 when a module failed; a figure that misses its limit is shown, and is no failure of the bench."""
    wanted = sys.argv[1:] or list(MODULES)
    if unknown := set(wanted) - set(MODULES):
        print(f"no such benchmark: {', '.join(sorted(unknown))}; there are {', '.join(MODULES)}", file=sys.stderr)
        return 2
    failed = []
    table = Table(title="benchmarks")
    for heading in ("", "figure", "value", "wanted", ""):
        table.add_column(heading, justify="right" if heading in ("value", "wanted") else "left")
    for module in wanted:
        (figure.RESULTS / f"{module}.json").unlink(missing_ok=True)
        print(f"{module} ...", file=sys.stderr)
        done = subprocess.run(
            [sys.executable, "-m", f"benchmarks.{module}"], cwd=Path(__file__).parents[1], check=False
        )
        if done.returncode:
            failed.append(module)
        for number, row in enumerate(figure.read(module)):
            mark = "" if not row.wanted else ("[green]yes[/green]" if row.met else "[red]no[/red]")
            table.add_row("" if number else module, row.name, f"{row.value:,.4g} {row.unit}", row.wanted, mark)
    Console(width=None if sys.stdout.isatty() else 110).print(table)
    if failed:
        print(f"failed: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
