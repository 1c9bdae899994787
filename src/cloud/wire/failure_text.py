"""What the text of a failed job says, in one line."""

import re

_HEADER = re.compile(r"^(  \+ Exception Group )?Traceback \(most recent call last\):$", re.MULTILINE)
_CHAINED = ("the direct cause of the following exception:\n\n", "another exception occurred:\n\n")
_NOTHING_SAID = ("", "Could not depickle job")


def gist(text: str) -> str:
    """What was raised in the end; of a text that is no traceback, the first line that says something; '' of none."""
    raised = raised_in(text)
    if raised:
        return raised
    return next((line.strip() for line in text.splitlines() if line.strip() not in _NOTHING_SAID), "")


def raised_in(text: str) -> str:
    """What was raised in the end, as a traceback tells it: 'ValueError: no'. Of a message of several lines, the first.
    '' for what is no traceback."""
    last: re.Match[str] | None = None
    for header in _HEADER.finditer(text):
        if last is None or text.endswith(_CHAINED, 0, header.start()):  # else it is quoted in a message
            last = header
    if last is None:
        return ""
    margin = "  | " if last[1] else ""
    for line in text[last.end() + 1 :].split("\n"):
        body = line.removeprefix(margin)
        if body and not body[0].isspace():
            return body
    return ""
