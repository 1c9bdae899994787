"""What call and map return: integers and ranges of them that know what to do."""

import asyncio
import json

import cloud

job = cloud.call(pow, 2, 10)
print(job.result())  # prints: 1024
assert job.status == "done"
assert isinstance(job, int)
assert json.loads(json.dumps({"jid": job})) == {"jid": int(job)}

jobs = cloud.map(lambda x: x + 1, range(5))
print(jobs.result())  # prints: [1, 2, 3, 4, 5]
assert jobs == range(jobs[0], jobs[0] + 5)
assert jobs[-1].result() == 5


async def main():
    return await cloud.call(pow, 3, 4)


print(asyncio.run(main()))  # prints: 81
