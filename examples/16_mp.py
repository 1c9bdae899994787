"""cloud.mp: the same functions on worker processes of this program; nothing is kept when it ends."""

import cloud
import cloud.mp


def square(x):
    return x * x


if __name__ == "__main__":
    jids = cloud.mp.map(square, range(10))
    print(cloud.mp.result(jids))  # prints: [0, 1, 4, 9, 16, 25, 36, 49, 64, 81]

    # It may be used beside the server, and inside jobs of the server; its jids are its own.
    assert cloud.result(cloud.call(square, 3)) == cloud.mp.result(cloud.mp.call(square, 3)) == 9
    print(cloud.result(cloud.call(lambda: sum(cloud.mp.result(cloud.mp.map(square, range(4)))))))  # prints: 14

    assert cloud.mp.connection_info()["connection_type"] == "multiprocessing"
    cloud.mp.close()
