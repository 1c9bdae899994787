"""_fast_serialization: less care, more speed, for arguments and results that any pickler can take."""

import cloud

rows = [list(range(100)) for _ in range(100)]

for level in (0, 1, 2):
    jids = cloud.map(sum, rows, _fast_serialization=level)
    assert cloud.result(jids) == [4950] * 100
print("the same at every level")  # prints: the same at every level
