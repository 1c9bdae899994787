"""Imports in source, read without running it."""

import pytest

from cloud.client.code.imports import absolute, imports_of


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("import a, b.c as d", {"a", "b.c"}),
        ("from a import b, c", {"a", "a.b", "a.c"}),
        ("from a import *", {"a"}),
        ("from . import b", {"p.q", "p.q.b"}),
        ("from .. import b", {"p", "p.b"}),
        ("from ..x.y import b", {"p.x.y", "p.x.y.b"}),
        ("from .... import b", set()),
        ("def f():\n  class A:\n    try:\n      import deep\n    except ImportError: pass", {"deep"}),
        ("import importlib\nimportlib.import_module('.x', __package__)", {"importlib", "p.q.x"}),
        ("if TYPE_CHECKING:\n  import never\nelse:\n  import always", {"always"}),
        ("if typing.TYPE_CHECKING:\n  import never", set()),
        ("this is no Python", set()),
        ("\0", set()),
    ],
)
def test_imports_of_a_module_in_package_p_q(source: str, expected: set[str]) -> None:
    assert imports_of(source.encode(), "p.q") == expected


def test_names_are_seen_from_a_package() -> None:
    assert [absolute(name, "a.b") for name in ("x", ".x", "..x", "...x", ".")] == ["x", "a.b.x", "a.x", "", "a.b"]
