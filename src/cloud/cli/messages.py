"""Errors in the words of the command line: options in place of keywords, and of shell commands what they said."""

import re

import click

from cloud.errors import CloudException

_OPTIONS = {
    "_label": "--label", "_depends_on_errors": "--depends-on-errors", "_depends_on": "--depends-on",
    "_priority": "--priority", "_cores": "--cores", "_type": "--type", "_max_runtime": "--max-runtime",
    "_restartable": "--not-restartable",
    "map_argdict needs lists of the same length": "-n and -N need equally many values",
}  # fmt: skip
_WORD = re.compile("|".join(rf"(?<![\w-]){name}\b" for name in _OPTIONS))
_HINTS = {"cloud.files.list()": "`picloud files list`", "cloud.connection_info()": "`picloud keys show`"}
_SAY_IT_THEMSELVES = ("CommandFailed", "NoSuchPlace")
"""Errors of commands of the shell, whose traceback is ours."""


def of_usage(error: click.UsageError) -> str:
    """What was wrong with what was typed."""
    text = in_options(error.format_message())
    if text.startswith("Usage: "):  # of a group, without a command
        return text
    if text.startswith("no value for {"):
        return f"{text}\nTIP: -d gives one; braces that are the command's own are written \\{{ and \\}}"
    if isinstance(error, click.NoSuchOption) and re.match(r"-\.?\d", error.option_name):
        return f"{text}\nTIP: after `--`, nothing is an option"
    if "--help`" in text:
        return text
    return f"{text}\nTIP: `{error.ctx.command_path if error.ctx else 'picloud'} --help` shows how it is used"


def in_options(text: str) -> str:
    """A message about keywords of `cloud.call`, for who typed options."""
    found = re.match(r"cloud(\.\w+)*: ", text)
    if found is None and not _WORD.match(text):
        return text
    return _WORD.sub(lambda word: _OPTIONS[word[0]], text[found.end() if found else 0 :])


def of_job(error: CloudException) -> str:
    """What became of a job, or of a request, without the lines' end."""
    cause = error.__cause__
    if type(cause).__name__ in _SAY_IT_THEMSELVES:
        return f"Job {error.jid}: {cause}".rstrip()
    text = str(error).rstrip()
    if error.hint:
        shown = re.sub("|".join(map(re.escape, _HINTS)), lambda word: _HINTS[word[0]], error.hint)
        text = f"{text.removesuffix(error.hint)}{shown}"
    return text if error.jid is not None else in_options(text)


def brief(error: CloudException) -> str:
    """The same for programs, which know the job."""
    cause = error.__cause__
    return str(cause if type(cause).__name__ in _SAY_IT_THEMSELVES else error.parameter).rstrip()
