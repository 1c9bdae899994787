"""_priority: lower numbers first. It orders the jobs that wait for a worker; it takes none away."""

import os
import time

import cloud


def foo():
    return time.time()


gate = cloud.map(lambda x: time.sleep(0.1), range(8 * (os.cpu_count() or 1)))  # more than can run at once
late = cloud.call(foo, _priority=9)
early = cloud.call(foo, _priority=1)  # calls foo() with high priority; the default is 5

print(cloud.result(early) < cloud.result(late))  # prints: True
cloud.kill(gate)

try:
    cloud.call(foo, _priority="high")
except TypeError as error:
    assert "_priority" in str(error)
