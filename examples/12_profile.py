"""_profile: where a job spends its time."""

import cloud


def inner(n):
    return sum(i * i for i in range(n))


def outer():
    return [inner(20_000) for _ in range(5)]


jid = cloud.call(outer, _profile=True)
cloud.join(jid)
profile = str(cloud.info(jid, "profile")[jid]["profile"])
assert "inner" in profile
assert "outer" in profile
print("inner" in profile)  # prints: True
