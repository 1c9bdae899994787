"""info: what a job has printed, also while it runs."""

import sys

import cloud


def foo():
    print("Output")
    print("An Error", file=sys.stderr)


jid = cloud.call(foo)
cloud.join(jid)
print(cloud.info(jid, ["stderr", "stdout"])[jid]["stdout"], end="")  # prints: Output
assert cloud.info(jid, ["stderr", "stdout"]) == {jid: {"stderr": "An Error\n", "stdout": "Output\n"}}
