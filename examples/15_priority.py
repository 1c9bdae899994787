"""_priority: lower numbers first. It orders the jobs that wait for a worker; it takes none away."""

import time

import cloud

gate = cloud.map(lambda x: time.sleep(0.1), range(32))  # more than can run at once
late = cloud.call(time.time, _priority=9)
early = cloud.call(time.time, _priority=1)

print(cloud.result(early) < cloud.result(late))  # prints: True
cloud.kill(gate)

try:
    cloud.call(time.time, _priority="high")
except TypeError as error:
    assert "_priority" in str(error)
