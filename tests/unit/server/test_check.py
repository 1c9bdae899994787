"""What `picloud serve --check` makes of a cluster's machines."""

from pathlib import Path

import pytest

from cloud.engines.fleet.kinds import AgentType, Kinds
from cloud.server.check import open_to_all, without_room
from cloud.server.configuration.reading import read_configuration

MACHINES = [{"CPU": 0.0, "memory": 8e9}, {"CPU": 4.0, "memory": 8e9}, {"CPU": 2.0, "memory": 64e9, "GPU": 1.0}]


def test_agents_that_some_machine_can_hold_are_no_matter() -> None:
    table = {"gpu": AgentType(gpus=1, memory_bytes=16_000_000_000, slots=1)}
    assert not list(without_room(Kinds(table, slots=4, least=1, most=9), MACHINES))


def test_agents_that_no_machine_can_hold_are_named_with_what_they_need() -> None:
    table = {"big": AgentType(cores=3, memory_bytes=16_000_000_000, slots=1)}
    found = list(without_room(Kinds(table, slots=8, least=1, most=9), MACHINES))
    assert [sentence.partition("of type ")[2] for sentence in found] == [
        "c1, which needs 8 cores", "big, which needs 3 cores and 16.0 GB of memory",
    ]  # fmt: skip


def test_a_cluster_that_lets_everybody_in_is_said_to(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("RAY_AUTH_MODE", raising=False)
    file = tmp_path / "server.toml"
    for settings, said in (("", 1), ('\ntoken = "secret"', 0)):
        file.write_text(
            f'[server]\nurl = "http://x"\n[blobs]\nurl = "/b"\n[engine]\nkind = "ray"\naddress = "x:1"{settings}\n'
        )
        assert len(list(open_to_all(read_configuration(str(file), environment={})))) == said
    monkeypatch.setenv("RAY_AUTH_MODE", "token")
    file.write_text('[server]\nurl = "http://x"\n[blobs]\nurl = "/b"\n[engine]\nkind = "ray"\naddress = "x:1"\n')
    assert not list(open_to_all(read_configuration(str(file), environment={})))
