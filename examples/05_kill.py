"""kill: a job that would never end, ends."""

import cloud


def infinite_loop():
    while True:
        pass


def say_good_night():
    return "good night"


jid = cloud.call(infinite_loop)  # start a job which will never end
dependent = cloud.call(say_good_night, _depends_on=jid)
cloud.kill(jid)  # at least until you kill it

cloud.join([jid, dependent], ignore_errors=True)
print(cloud.status(jid))  # prints: killed
print(cloud.status(dependent))  # prints: stalled

try:
    cloud.result(jid)
except cloud.CloudException as error:
    print(error.status, error.jid == jid)  # prints: killed True

many = cloud.map(lambda x: infinite_loop(), range(20))
cloud.kill(many)
cloud.join(many, ignore_errors=True)
assert set(cloud.status(many)) == {"killed"}
