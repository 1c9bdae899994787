"""A job: any function, its arguments, and a number to ask for the result with."""

import cloud


def square(x):
    return x * x


jid = cloud.call(square, 7)
print(cloud.result(jid))  # prints: 49
assert cloud.status(jid) == "done"

offset = 10  # closures and globals travel with the function
print(cloud.result(cloud.call(lambda x: x + offset, 32)))  # prints: 42

# Whatever a job raises, the client sees with the remote traceback, and with the exception itself as the cause.
failed = cloud.call(lambda: 1 / 0)
try:
    cloud.result(failed)
except cloud.CloudException as error:
    assert error.jid == failed
    assert error.status == "error"
    assert isinstance(error.__cause__, ZeroDivisionError)
    print(str(error).splitlines()[-1])  # prints: ZeroDivisionError: division by zero
