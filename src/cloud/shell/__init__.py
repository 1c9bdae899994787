r"""Shell commands as jobs.

    jid = cloud.shell.execute("wc -l < {table}", {"table": "@measurements.csv"})
    cloud.shell.execute_map("convert {photo} -resize {size} out.png", {"size": 800}, {"photo": ["@a.png", "@b.png"]},
                            return_file="out.png")

A command is a template, run by `bash -ic`, so that ~/.bashrc holds: `{name}` stands for a value. `${name}`,
`\{name\}`, and braces around anything else than a name are left to the shell. Values go in as text, just as they
are. One that begins with `@` is the path of a local file: it travels with the job, which finds a copy, executable, in a
temporary folder, and the template gets the path of that. A text that begins with `@` is written with two.

A job's result is what the command wrote to standard output, or the content of `return_file`: text where it is UTF-8,
else bytes. What it writes can also be seen while it runs, as of any job.
"""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from cloud.shell.command import Command, CommandFailed
from cloud.shell.template import bound, check_names

if TYPE_CHECKING:
    from cloud.client.jobs import Job, Jobs

__all__ = ["CommandFailed", "execute", "execute_map"]


def execute(
    command: str,
    argdict: Mapping[str, Any] | None = None,
    return_file: str | None = None,
    ignore_exit_status: bool = False,
    cwd: str | None = None,
    **reserved: Any,
) -> "Job":
    """One job that runs a command.

    Args:
        command: the template.
        argdict: a value for each of its variables.
        return_file: a file, relative to the directory it runs in, whose content is the result.
        ignore_exit_status: whether the job is `done` whatever the command says; otherwise an exit status other than 0
            is a `CommandFailed`, which holds the end of standard error.
        cwd: the directory to run in; None: where jobs of this program run, its own on the same machine.
        reserved: `_label`, `_depends_on`, ... as for `cloud.call`.

    Raises:
        ValueError: a variable has no value, or a value no variable.
        OSError: a file cannot be read.
        CloudException: as for `cloud.call`.
    """
    from cloud.client import sessions

    values = dict(argdict or {})
    check_names(command, values, "cloud.shell.execute")
    runs = Command(command, tuple(values), {}, return_file, ignore_exit_status, cwd)
    return sessions.active().call(runs, *(bound(value) for value in values.values()), **reserved)


def execute_map(
    command: str,
    common_argdict: Mapping[str, Any] | None,
    map_argdict: Mapping[str, Iterable[Any]],
    return_file: str | None = None,
    ignore_exit_status: bool = False,
    cwd: str | None = None,
    **reserved: Any,
) -> "Jobs":
    """A job for each value in `map_argdict`, whose lists go side by side and are equally long.

    Args:
        command: the template.
        common_argdict: values that are the same for all jobs.
        map_argdict: for each of the other variables, the values of the jobs.
        return_file, ignore_exit_status, cwd, reserved: as for `execute`.

    Raises:
        ValueError: as for `execute`; and when the lists are not equally long, or there is none.
    """
    from cloud.client import sessions

    common = dict(common_argdict or {})
    several = {name: list(values) for name, values in map_argdict.items()}
    where = "cloud.shell.execute_map"
    check_names(command, {**common, **several}, where, twice=common.keys() & several.keys())
    lengths = {name: len(values) for name, values in several.items()}
    if len(set(lengths.values())) != 1:
        found = ", ".join(f"{name}: {length}" for name, length in lengths.items())
        raise ValueError(f"{where}: map_argdict needs lists of the same length, not {found or 'nothing'}")
    fixed = {name: bound(value) for name, value in common.items()}
    runs = Command(command, tuple(several), fixed, return_file, ignore_exit_status, cwd)
    columns = ((bound(value) for value in values) for values in several.values())
    return sessions.active().map(runs, *columns, **reserved)
