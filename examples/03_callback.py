"""Callbacks: functions called on the client as soon as a job ends."""

import threading

import cloud

heard = []
both = threading.Semaphore(0)


def bar(jid):
    heard.append(f"{jid} completed!")
    both.release()


def failed(jid):
    heard.append(f"{jid} failed")
    both.release()


def foo(x=1):
    return 1 / x


# Once foo completes, bar will be called on the client; one callable, or a list called in order.
good = cloud.call(foo, _callback=[bar], _callback_on_error=failed)
bad = cloud.call(foo, 0, _callback=[bar], _callback_on_error=failed)

for _ in range(2):
    assert both.acquire(timeout=30)
assert sorted(heard) == sorted([f"{good} completed!", f"{bad} failed"])
print("one completed, one failed")  # prints: one completed, one failed
