"""The simulator: verifies, without a server, that code would work on one, and lets a debugger into jobs."""

import os
import threading

import cloud


def square(x):
    return x * x


if __name__ == "__main__":
    cloud.start_simulator()  # or `use_simulator = True` in cloudconf.py
    print(cloud.is_simulated())  # prints: True
    print(cloud.result(cloud.map(square, range(5))))  # prints: [0, 1, 4, 9, 16]

    # It verifies that your data can be sent.
    try:
        cloud.call(square, threading.Lock())
    except cloud.CloudException as error:
        print("_thread.lock" in str(error))  # prints: True

    # It has a configuration of its own. Jobs that run inline are where breakpoint() and debuggers work.
    cloud.config.simulator_inline = True
    cloud.config.commit()
    cloud.start_simulator()
    assert cloud.result(cloud.call(os.getpid)) == os.getpid()

    cloud.close()
