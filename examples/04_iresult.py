"""iresult: results in order, each as soon as it is there."""

import time

import cloud


def square(x):
    time.sleep(x / 20)
    return x * x


jids = cloud.map(square, range(8))
early = None
for y in cloud.iresult(jids):
    if early is None:
        early = cloud.status(jids)
    print(y)
# prints: 0
# prints: 1
# prints: 4
# prints: 9
# prints: 16
# prints: 25
# prints: 36
# prints: 49
assert "done" in early  # printing started ...
assert set(early) - {"done"}  # ... before every job had completed

# An error is raised where its job stands, and the iterator goes on behind it.
results = cloud.iresult(cloud.map(lambda x: 6 // x, [3, 0, 2]))
assert next(results) == 2
try:
    next(results)
except cloud.CloudException as error:
    assert isinstance(error.__cause__, ZeroDivisionError)
assert next(results) == 3

# Waiting has an end: a timeout leaves the iterator usable.
slow = cloud.call(time.sleep, 1)
results = cloud.iresult([slow], timeout=0.1)
try:
    next(results)
except cloud.CloudTimeoutError:
    print("not yet")  # prints: not yet
cloud.kill(slow)
