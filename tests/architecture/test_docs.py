"""The documentation is whole: links lead somewhere, statuses and settings and decisions are all there."""

import re
from pathlib import Path

import pytest

from cloud.api import INFO_FIELDS
from cloud.errors import CloudException
from cloud.model import FINISHED_WORDS, Status

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
SECTION = re.compile(r"^#+ +(.*)$", re.MULTILINE)
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
PICTURE = re.compile(r'(?:src|srcset)="([^"]+)"')
FENCE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("page", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    broken = []
    text = FENCE.sub("", page.read_text())
    for target in LINK.findall(text) + PICTURE.findall(text):
        if re.match(r"[a-z]+:", target):
            continue
        file, _, anchor = target.partition("#")
        place = (page.parent / file).resolve() if file else page
        if not place.exists() or (anchor and anchor not in _anchors(place)):
            broken.append(target)
    assert broken == []


def test_every_page_of_docs_is_linked_from_somewhere() -> None:
    reached = {
        (page.parent / target.partition("#")[0]).resolve()
        for page in PAGES
        for target in LINK.findall(page.read_text())
    }
    assert [p.name for p in PAGES if "docs" in p.parts and p.name != "index.md" and p.resolve() not in reached] == []


def test_the_life_of_a_job_names_every_status() -> None:
    page = (ROOT / "docs/job-lifecycle.md").read_text()
    assert [status.word for status in Status if status is not Status.DELETED and f"`{status.word}`" not in page] == []
    assert str(FINISHED_WORDS) in (ROOT / "docs/reference/api.md").read_text()


def test_every_reserved_keyword_is_in_the_reference() -> None:
    from cloud.client.reserved import NAMES

    rows = re.findall(r"^\| (`_.*?`) \|", (ROOT / "docs/reference/api.md").read_text(), re.MULTILINE)
    assert sorted(name for row in rows for name in re.findall(r"`(\w+)`", row)) == sorted(NAMES)


def test_every_field_of_info_is_in_the_reference() -> None:
    page = (ROOT / "docs/reference/api.md").read_text()
    assert [field for field in INFO_FIELDS if f"`{field}`" not in page] == []


def test_every_route_for_people_is_in_the_reference() -> None:
    page = (ROOT / "docs/reference/http.md").read_text()
    sources = (
        "app.py",
        "files.py",
        "key_routes.py",
        "people.py",
        "submission_routes.py",
        "retirement.py",
        "top_routes.py",
    )
    source = "".join((ROOT / "src/cloud/server" / name).read_text() for name in sources)
    routes = [path.replace(":int", "").replace(":path", "") for path in re.findall(r'\bRoute\("([^"]+)"', source)]
    assert routes
    assert [path for path in routes if path.replace("{stream}", "stdout") not in page] == []


def test_every_setting_from_the_environment_is_in_the_reference() -> None:
    page = (ROOT / "docs/reference/api.md").read_text()
    named = {
        name
        for path in (ROOT / "src").rglob("*.py")
        for name in re.findall(r"[\"'](PICLOUD_[A-Z_]+)[\"']", path.read_text())
    }
    assert {name for name in named if name not in page} - SET_BY_US == set()


SET_BY_US = {"PICLOUD_JOB_TOKEN", "PICLOUD_SIMULATED"}
"""Variables that a server gives to its own processes: nobody else's business."""


def test_every_decision_is_in_the_index_and_numbered_without_gaps() -> None:
    records = sorted((ROOT / "docs/adr").glob("0*.md"))
    index = (ROOT / "docs/adr/README.md").read_text()
    assert [int(path.name[:4]) for path in records] == list(range(1, len(records) + 1))
    assert [path.name for path in records if path.name not in index] == []
    for path in records:
        assert SECTION.findall(path.read_text())[1:] == ["Context", "Decision", "Consequences"], path.name


def test_the_readme_fits_one_screen() -> None:
    assert len((ROOT / "README.md").read_text().splitlines()) <= 50


def test_the_tree_of_errors_is_drawn_whole() -> None:
    """`cloud.errors` begins with a picture of its classes; a class that is not in it would be missed by readers."""
    import cloud.errors

    drawn = cloud.errors.__doc__ or ""
    classes = [c for c in vars(cloud.errors).values() if isinstance(c, type) and issubclass(c, CloudException)]
    assert [c.__name__ for c in classes if c.__name__ not in drawn] == []


def _anchors(page: Path) -> set[str]:
    """Anchors as forges make them from headings."""
    return {
        re.sub(r"[^\w\- ]", "", title.lower()).strip().replace(" ", "-") for title in SECTION.findall(page.read_text())
    }
