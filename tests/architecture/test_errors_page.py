"""docs/reference/errors.md lists every error that a user can meet, and what else it is."""

import importlib
import pkgutil
import re
from pathlib import Path

import cloud
from cloud.errors import CloudException, KilledException

PAGE = (Path(__file__).parents[2] / "docs" / "reference" / "errors.md").read_text()
SEEN_BY_USERS = ("cloud.errors", "cloud.client", "cloud.config", "cloud.pickling", "cloud.pools")
ROW = re.compile(r"^\| `(\w+)` \|(.*?)\| (.*) \|$", re.MULTILINE)


def errors() -> dict[str, type[BaseException]]:
    """Errors and warnings of ours, by name."""
    for name in SEEN_BY_USERS:
        package = importlib.import_module(name)
        for module in pkgutil.walk_packages(getattr(package, "__path__", []), f"{name}."):
            importlib.import_module(module.name)
    kinds: list[type[BaseException]] = [CloudException, KilledException, *Warning.__subclasses__()]
    kinds += [kind for warning in Warning.__subclasses__() for kind in warning.__subclasses__()]
    kinds += _below(CloudException)
    return {kind.__name__: kind for kind in kinds if kind.__module__.startswith(SEEN_BY_USERS)}


def _below(kind: type[BaseException]) -> list[type[BaseException]]:
    return [found for child in kind.__subclasses__() for found in [child, *_below(child)]]


def test_the_page_lists_them_all() -> None:
    assert cloud.__version__
    assert sorted(name for name, _, _ in ROW.findall(PAGE)) == sorted(errors())


def test_it_says_what_else_they_are() -> None:
    found = errors()
    for name, also, when in ROW.findall(PAGE):
        ancestors = {kind.__name__ for kind in found[name].__mro__}
        assert {word.rpartition(".")[2] for word in re.findall(r"`([\w.]+)`", also)} <= ancestors, name
        assert when
