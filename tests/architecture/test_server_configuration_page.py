"""docs/reference/server-configuration.md lists every setting; a server takes the examples of docs/ and deploy/."""

import re
from pathlib import Path

import pytest

from cloud.server.configuration.reading import read_configuration
from scripts.server_configuration_page import PAGE, page

ROOT = Path(__file__).parents[2]
FILES = sorted(ROOT.glob("deploy/**/*.toml"))
BLOCKS = [
    (path, text)
    for path in sorted([PAGE, *ROOT.glob("docs/operations/*.md")])
    for text in re.findall(r"^ *```toml\n(.*?)^ *```", path.read_text(), re.MULTILINE | re.DOTALL)
]


def test_the_page_is_what_the_settings_say_of_themselves() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "run `python -m scripts.server_configuration_page`"


def test_there_are_examples() -> None:
    assert FILES
    assert BLOCKS


@pytest.mark.parametrize("text", [f.read_text() for f in FILES] + [text for _, text in BLOCKS])
def test_an_example_has_no_mistakes(text: str, tmp_path: Path) -> None:
    """Files of secrets are not there; what stands for them is."""
    for name in re.findall(r'_file = "([^"]+)"', text):
        (tmp_path / Path(name).name).write_text("secret")
        text = text.replace(f'"{name}"', f'"{Path(name).name}"')
    file = tmp_path / "server.toml"
    file.write_text(text)
    read_configuration(str(file), environment=dict.fromkeys(re.findall(r"\$\{(\w+)\}", text), "x"))
