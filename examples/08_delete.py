"""delete: a finished job is forgotten, with its result, its output and its history."""

import cloud

jids = cloud.map(str, range(3))
assert cloud.result(jids) == ["0", "1", "2"]

cloud.delete(jids[1])
assert cloud.result(jids[0]) == "0"
try:
    cloud.status(jids[1])
except cloud.CloudException:
    print("no such job")  # prints: no such job

# What is not finished cannot be deleted by accident.
waiting = cloud.call(str, 1, _depends_on=cloud.call(lambda: [None for _ in iter(int, 1)]))
try:
    cloud.delete(waiting)
except cloud.CloudException:
    assert cloud.status(waiting) == "waiting"
cloud.kill()  # everything of mine that is not finished
