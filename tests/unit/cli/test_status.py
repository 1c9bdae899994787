"""What `picloud status` says of a server."""

from cloud.cli.status import lines_of


def test_agents_are_listed_with_their_slots_and_how_long_ago_they_were_heard() -> None:
    here = {"name": "a", "machine": "east", "type": "c1", "slots": 8, "used": 3, "state": "here", "silent_seconds": 0.4}
    lost = here | {"name": "b", "machine": "west", "used": 0, "state": "silent", "silent_seconds": 72.0}
    lines = lines_of({"running": True, "url": "http://x", "agents": [here, lost]})
    assert lines[2:] == [
        "agents",
        "  AGENT  MACHINE  TYPE  SLOTS USED  STATE   HEARD",
        "  a      east     c1    3 of 8      here    0.4 s ago",
        "  b      west     c1    0 of 8      silent  72.0 s ago",
    ]


def test_a_cluster_that_is_away_is_named_with_the_reason() -> None:
    lines = lines_of({"running": True, "url": "http://x", "trouble": "its head does not answer"})
    assert lines[2:] == ["cluster    away: its head does not answer"]


def test_a_server_without_agents_says_nothing_of_them() -> None:
    assert lines_of({"running": True, "url": "http://x", "agents": []}) == [
        "running    version ?",
        "address    http://x/",
    ]
