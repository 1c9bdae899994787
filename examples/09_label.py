"""_label: a name to find a job by, in any language."""

import cloud


def foo():
    return "bar"


jid = cloud.call(foo, _label="foo job")  # "foo" job will have label of 'foo job'
cloud.join(jid)
print(cloud.info(jid, "label")[jid]["label"])  # prints: foo job
