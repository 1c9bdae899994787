"""docs/reference/configuration.md lists every option, with its default, its meaning and its variable."""

import re
from pathlib import Path

from cloud.config.options import OPTIONS, Option

PAGE = (Path(__file__).parents[2] / "docs" / "reference" / "configuration.md").read_text()


def test_the_table_is_the_list_of_options() -> None:
    rows = re.findall(r"^\| `(\w+)` \| `(.*?)` \| (.*) \|$", PAGE, re.MULTILINE)
    assert rows == [(option.name, repr(option.default), _meaning(option)) for option in OPTIONS]


def _meaning(option: Option) -> str:
    notes = ["*hidden*"] if option.hidden else []
    notes += [f"`{option.variable}`"] if option.variable else []
    return option.doc + (f" ({', '.join(notes)})" if notes else "")
