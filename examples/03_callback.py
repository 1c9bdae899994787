"""Callbacks: functions called on the client as soon as a job ends."""

import threading

import cloud

heard = []
both = threading.Semaphore(0)


def completed(jid):
    heard.append((jid, "completed"))
    both.release()


def failed(jid):
    heard.append((jid, "failed"))
    both.release()


def foo(x):
    return 1 / x


good = cloud.call(foo, 1, _callback=[completed], _callback_on_error=[failed])
bad = cloud.call(foo, 0, _callback=[completed], _callback_on_error=[failed])

for _ in range(2):
    assert both.acquire(timeout=30)
assert sorted(heard) == [(good, "completed"), (bad, "failed")]
print("one completed, one failed")  # prints: one completed, one failed
