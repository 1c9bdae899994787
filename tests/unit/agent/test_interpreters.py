"""Which interpreter runs the jobs of which environment."""

import os
import sys
from pathlib import Path

from cloud.agent.interpreters import OWN_TAG, Interpreters
from cloud.model import Environment

HERE = "here"


def interpreters() -> Interpreters:
    return Interpreters(HERE, None, lambda template: None)


def test_a_client_of_another_machine_gets_our_own_interpreter_if_the_tags_agree() -> None:
    ours = interpreters()
    elsewhere = Environment(OWN_TAG, "elsewhere", "/usr/bin/python")
    assert ours.choose(elsewhere) == ours.own
    assert ours.refuse(elsewhere) is None
    assert not ours.is_local(elsewhere)
    assert ours.refuse(Environment("cpython-999", "elsewhere", "/usr/bin/python")) is not None


def test_a_client_of_this_machine_gets_its_own(tmp_path: Path) -> None:
    ours = interpreters()
    python = tmp_path / "python"
    python.write_text("")
    python.chmod(0o755)
    environment = Environment("cpython-999", HERE, str(python), (str(tmp_path),))
    assert ours.refuse(environment) is None
    assert ours.choose(environment).executable == str(python)
    os.remove(python)
    assert interpreters().refuse(environment) is not None


def test_our_own_executable_shares_our_own_template_unless_its_libraries_are_found_elsewhere() -> None:
    ours = interpreters()
    assert ours.choose(Environment(OWN_TAG, HERE, sys.executable)) == ours.own
    linked = Environment(OWN_TAG, HERE, sys.executable, variables={"LD_LIBRARY_PATH": "/opt/lib"})
    assert ours.choose(linked) != ours.own
    assert dict(ours.choose(linked).at_start) == {"LD_LIBRARY_PATH": "/opt/lib"}


def test_an_environment_of_no_known_machine_is_not_local() -> None:
    assert not interpreters().is_local(Environment(OWN_TAG))
    assert not Interpreters("", None, lambda template: None).is_local(Environment(OWN_TAG))
