"""What is public is a short list, and the reference page is that list."""

import inspect
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

REFERENCE = Path(__file__).parents[2] / "docs" / "reference" / "api.md"


def test_public_names_are_exactly_the_documented_ones() -> None:
    import cloud

    documented = re.findall(r"^### `cloud\.(\w+)", REFERENCE.read_text(), re.MULTILINE)
    assert sorted(documented) == sorted(name for name in cloud.__all__ if name != "__version__")


def test_signatures_are_as_documented() -> None:
    """Each heading of the reference with parentheses is the signature, without annotations."""
    import cloud

    documented = dict(re.findall(r"^### `cloud\.(\w+)(\(.*\))`$", REFERENCE.read_text(), re.MULTILINE))
    assert documented == {name: _signature(getattr(cloud, name)) for name in documented}


def _signature(function: Callable[..., object]) -> str:
    bare = inspect.signature(function)
    parameters = [p.replace(annotation=inspect.Parameter.empty) for p in bare.parameters.values()]
    return str(bare.replace(parameters=parameters, return_annotation=inspect.Signature.empty))


def test_every_public_name_is_there() -> None:
    import cloud

    assert [name for name in cloud.__all__ if not hasattr(cloud, name)] == []


def test_a_name_that_is_not_public_is_an_error_and_imports_nothing() -> None:
    code = "import cloud, sys\ntry: cloud.nothing\nexcept AttributeError: print('cloud.mp' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=300)
    assert done.stdout == "False\n"


def test_mp_mirrors_cloud() -> None:
    """A program moves from one to the other by changing a name."""
    import cloud
    import cloud.mp

    expected = {
        "aio", "call", "close", "connection_info", "delete", "finished_statuses", "info", "iresult",
        "iresult_unordered", "join", "kill", "map", "output", "rerun", "result", "stack", "status", "why",
    }  # fmt: skip
    assert expected <= set(cloud.__all__)
    assert [name for name in expected if not hasattr(cloud.mp, name)] == []


def test_help_speaks_to_users() -> None:
    """Without references to papers that they do not have, and with every reserved keyword."""
    import cloud
    from cloud.client.reserved import NAMES

    texts = {name: inspect.getdoc(getattr(cloud, name)) or "" for name in cloud.__all__}
    assert [name for name, text in texts.items() if re.search(r"SPEC|DESIGN|\bS\d|\bD\d", text)] == []
    assert [name for name, text in texts.items() if not text] == []
    for function in ("call", "map"):
        assert [name for name in NAMES if name not in texts[function]] == []


def test_names_are_offered_once_and_only_public_ones() -> None:
    import cloud

    assert [name for name in dir(cloud) if not name.startswith("__")] == sorted(cloud.__all__)


def test_names_that_other_libraries_have_lead_to_ours() -> None:
    import cloud
    import cloud.mp
    from cloud.client import other_words

    for module in (cloud, cloud.mp):
        with pytest.raises(AttributeError, match=f"module '{module.__name__}' has no attribute 'submit': cloud.call"):
            module.submit
    assert not set(other_words._MODULE) & set(cloud.__all__)
    named = set(re.findall(r"\bcloud\.(\w+)", " ".join(other_words._MODULE.values())))
    assert named <= set(cloud.__all__), "what they lead to is there"
    assert [name for name in other_words._HANDLES if hasattr(cloud.Job, name) or hasattr(cloud.Jobs, name)] == []
