"""Jobs that would never end, five kinds on twenty workers: how soon are they killed, and their slots at work again?"""

import ctypes
import signal
import subprocess
import sys
import time
from typing import NoReturn

import cloud
from benchmarks.figure import Figure, write
from benchmarks.surroundings import fresh_home

WORKERS, ROUNDS = 20, 5
NAP_SECONDS = 0.05


def busy() -> NoReturn:
    """Computes for ever."""
    while True:
        pass


def asleep() -> None:
    """Sleeps in Python."""
    time.sleep(10_000)


def in_c() -> None:
    """Sleeps in C with the interpreter lock held and SIGINT blocked: nothing in the process can end it."""
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
    ctypes.PyDLL(None).sleep(10_000)


def stubborn() -> NoReturn:
    """Swallows every exception."""
    while True:
        try:
            time.sleep(10_000)
        except BaseException:  # the point of it
            continue


def with_child() -> None:
    """Has a child that left its session."""
    subprocess.run([sys.executable, "-c", "import time; time.sleep(10_000)"], start_new_session=True, check=False)


KINDS = (busy, asleep, in_c, stubborn, with_child)


def main() -> None:
    """The slowest of each hundred, with the grace period and with `force`."""
    figures = []
    with fresh_home(workers=WORKERS):
        for force, limit in ((False, 1.0), (True, 0.2)):
            slowest, again = 0.0, 0.0
            for _ in range(ROUNDS):
                jids = [cloud.call(kind) for kind in KINDS for _ in range(WORKERS // len(KINDS))]
                while set(cloud.status(jids)) != {"processing"}:
                    time.sleep(0.02)
                time.sleep(0.3)  # so that all are in the middle of what they do
                began = time.perf_counter()
                cloud.kill(jids, force=force)
                cloud.join(jids, ignore_errors=True)
                slowest = max(slowest, time.perf_counter() - began)
                began = time.perf_counter()
                assert set(cloud.status(jids)) == {"killed"}
                cloud.join(cloud.map(time.sleep, [NAP_SECONDS] * WORKERS))  # needs all slots at once
                again = max(again, time.perf_counter() - began - NAP_SECONDS)
            how = "with force" if force else "with grace"
            figures += [
                Figure(f"slowest of {ROUNDS * WORKERS} kills {how}", slowest, "s", at_most=limit),
                Figure(f"all slots used again {how}", again, "s", at_most=0.1),
            ]
    write("killing", figures)


if __name__ == "__main__":
    main()
