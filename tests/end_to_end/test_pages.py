"""The pages of the documentation run as they are written: the tutorial, how-to pages and explanations."""

import importlib.util
import re
from pathlib import Path

import pytest

import cloud
from cloud.cli.main import COMMANDS
from tests.support import pages, processes

DOCS = Path(__file__).parents[2] / "docs"
PROGRAMS = [
    path
    for path in (DOCS / "tutorial.md", *sorted(DOCS.glob("how-to/*.md")), *sorted(DOCS.glob("explanation/*.md")))
    if any(not block.unrun for block in pages.blocks(path.read_text()))
]
FOR_USERS = [DOCS / "tutorial.md", *sorted([*DOCS.glob("how-to/*.md"), *DOCS.glob("explanation/*.md")])]
ALL = sorted([*DOCS.rglob("*.md"), *DOCS.parent.glob("*.md")])


@pytest.mark.slow
@pytest.mark.parametrize("page", PROGRAMS, ids=lambda path: path.stem)
def test_a_page_runs(page: Path, tmp_path: Path) -> None:
    if wrong := complaints(page, tmp_path):
        pytest.fail("\n\n".join(wrong), pytrace=False)


@pytest.mark.parametrize("page", ALL, ids=lambda path: str(path.relative_to(DOCS.parent)))
def test_code_on_every_page_is_well_formed(page: Path) -> None:
    assert pages.malformed(page.read_text()) == []


@pytest.mark.parametrize("page", FOR_USERS, ids=lambda path: path.stem)
def test_what_pages_for_users_name_exists(page: Path) -> None:
    """`cloud.why` and `picloud top` do, also where they are only mentioned; one page lists what is not there yet."""
    text = page.read_text().partition("## What there is not yet")[0]
    names = set(re.findall(r"(?<![\w./-])cloud\.([a-z]\w*)", text))
    assert [n for n in sorted(names) if n not in cloud.__all__ and importlib.util.find_spec(f"cloud.{n}") is None] == []
    said = re.findall(r"`[^`\n]+`|^\$ .*$", text, re.MULTILINE)
    commands = {command for span in said for command in re.findall(r"(?<![\w./~-])picloud ([a-z][a-z-]*)\b", span)}
    assert sorted(commands - set(COMMANDS)) == []


def test_blocks_go_on_where_the_one_before_ended(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(
        "```python\nx = 1\n```\n\n```python file=there.py\ny = 2\n```\n\n```sh\nz=3\n```\n\n"
        "```console\n$ echo $z\n3\n$ seq 9\n1\n…\n9\n$ cat <<END\n> one\n> END\none\n```\n\n"
        "```python\nfrom there import y\nprint(x)    # prints: 1\nprint(y)    # prints: 2\n```\n\n"
        "```python\nprint('jid', 17, 'at 3 am')\nx / 0\n```\n\n"
        '```text\njid … am\nTraceback (most recent call last):\n  File …/page.py", line 34, in <module>\n…\n'
        "ZeroDivisionError: …\n```\n\n```python unrun: it is not wanted\nraise SystemExit\n```\n"
    )
    assert complaints(page, tmp_path / "there") == []


def test_what_is_not_true_is_noticed(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(
        "```python\nprint(1)  # prints: 2\n```\n\n```console\n$ echo 3\n```\n\n"
        "```python\nprint(4)\n```\n\n```text\n5\n```\n\n```python\nraise LookupError('six')\n```\n\n```sh\nfalse\n```\n"
    )
    found = complaints(page, tmp_path / "there")
    assert [complaint.split(":")[0] for complaint in found] == ["line 2", "line 6", "line 10", "line 18", "line 22"]


def test_what_can_never_run_is_noticed() -> None:
    assert pages.malformed("```python unrun: it needs a cloud\nx = (\n```\n") != []
    assert pages.malformed("```console unrun: so\necho no dollar\n```\n") != []
    for said in ("unrun:", "norun", "file="):
        with pytest.raises(ValueError, match="means nothing"):
            pages.blocks(f"```python {said}\nx = 1\n```\n")


def complaints(page: Path, folder: Path) -> list[str]:
    """What is wrong on a page that runs in an empty folder, with a home and a server of its own."""
    home, work = folder / "home", folder / "work"
    home.mkdir(parents=True)
    work.mkdir()
    try:
        with pages.Page(page, work, pages.surroundings(home)) as running:
            return list(running.complaints())
    finally:
        processes.end(pid for pid, words in processes.marked(str(home)).items() if "cloud.server" in words)
