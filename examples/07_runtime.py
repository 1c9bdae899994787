"""info: how long a job ran, in seconds, and when."""

import time

import cloud

jid = cloud.call(time.sleep, 0.1)
cloud.join(jid)

info = cloud.info(jid, ["runtime", "created", "finished", "status"])[jid]
assert 0.1 <= info["runtime"] < 5
assert info["created"] <= info["finished"]  # naive datetimes, in UTC
print(info["status"])  # prints: done
