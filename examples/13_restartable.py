"""_restartable: whether a job may be run again when the machine under it is lost."""

import cloud


def foo():
    """Writes to two databases. If the machine fails before the second write, we have a problem."""
    return "written"


def square(x):
    return x * x  # writes nothing: running it twice does no harm


careful = cloud.call(foo, _restartable=False)  # if it is lost, raise an exception instead of running it again
print(cloud.result(careful))  # prints: written

jids = cloud.map(square, range(10_000), _restartable=True)  # the default
assert cloud.result(jids)[-1] == 9999**2
