"""Configuration: cloudconf.py, which runs when cloud is imported, and cloud.config, which changes it from a program."""

import pathlib

import cloud

# An ordinary Python script with every option and its meaning; it is written when there is none.
script = pathlib.Path(cloud.getconfigpath(), "cloudconf.py")
assert "use_simulator" in script.read_text()

cloud.config.num_procs = 1  # worker processes of cloud.mp
assert cloud.mp.connection_info()["num_procs"] != 1  # changes do not take effect immediately
cloud.config.commit()  # now they do; every cloud of this program is closed
print(cloud.mp.connection_info()["num_procs"])  # prints: 1
print(cloud.mp.result(cloud.mp.call(abs, -7)))  # prints: 7

try:
    cloud.config.num_procs = "many"
except ValueError as error:
    assert "num_procs" in str(error)  # a value that cannot be is refused at once
