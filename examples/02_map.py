"""A map: one job for each item, at the price of one."""

import cloud

jids = cloud.map(lambda x: x * x, range(1000))
print(sum(cloud.result(jids)))  # prints: 332833500

# Like Python's own map it takes several sequences; shorter ones are filled up with None.
pairs = cloud.map(lambda a, b: (a, b), [1, 2, 3], ["one", "two"])
print(cloud.result(pairs))  # prints: [(1, 'one'), (2, 'two'), (3, None)]

# The jids are consecutive, and any part of them can be asked for.
assert len(jids) == 1000
assert cloud.result(jids[10:13]) == [100, 121, 144]
assert cloud.map(len, []) == []
