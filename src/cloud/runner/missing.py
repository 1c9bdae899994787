"""What to say of what a job does not find: a module, and where to have it from; a terminal."""

from cloud.wire import worker

_SILENT = "a job has no standard input: what it needs comes as an argument"
_NO_DEBUGGER = (
    "a job has no terminal for a debugger: it runs in yours after cloud.config.simulator_inline = True, "
    "cloud.config.commit() and cloud.start_simulator()"
)


def advice(error: BaseException, distributions: str = "") -> str:
    """A sentence; '' when the error is about something else.

    Args:
        error: what a job raised.
        distributions: 'module=name version' of the client's installed modules, separated by ';'.
    """
    if isinstance(error, EOFError) and error.args == ("EOF when reading a line",):
        return _SILENT
    if type(error).__module__ == "bdb" and type(error).__name__ == "BdbQuit":
        return _NO_DEBUGGER
    if not isinstance(error, ModuleNotFoundError) or not error.name:
        return ""
    top = error.name.partition(".")[0]
    known = dict(item.partition("=")[::2] for item in distributions.split(";"))
    if top in known:
        name, _, version = known[top].partition(" ")
        return (
            f"the program that submitted this job has {error.name} from {name} {version}, which is not installed where "
            f"the job ran: pip install {name}=={version}"
        )
    sent = "" if worker.CODE is None else "; nothing that was sent refers to it by that name"
    return (
        f"if {top} is a module of your own, name it in cloud.config.extra_modules, so that it is sent with jobs{sent}; "
        f"else install it where jobs run"
    )
