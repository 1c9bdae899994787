"""SPEC A.8: profiling."""

from cloud.client.session import Session


def inner(n: int) -> int:
    return sum(range(n))


def outer() -> list[int]:
    return [inner(10) for _ in range(100)]


def test_a_profile_is_made_when_it_is_asked_for(cloud: Session) -> None:
    """S37: off by default; `cloud.info(jid, 'profile')` has it as text, whose rows are functions with their times."""
    profiled = cloud.call(outer, _profile=True)
    plain = cloud.call(outer)
    assert cloud.result([profiled, plain]) == [[45] * 100] * 2
    text = cloud.info(profiled, "profile")[profiled]["profile"]
    (row,) = [line for line in text.splitlines() if "(inner)" in line]
    assert row.split()[0] == "100"
    assert "cumtime" in text
    assert cloud.info(plain, "profile")[plain]["profile"] is None
