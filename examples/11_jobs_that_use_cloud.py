"""Jobs may use cloud themselves: ask for results, and start jobs of their own."""

import cloud


def job1():
    return 1


def job2(jid):
    return cloud.result(jid)


def fibonacci(n):
    if n < 2:
        return n
    return sum(cloud.result(cloud.map(fibonacci, [n - 1, n - 2])))


if __name__ == "__main__":  # client entry point
    jid1 = cloud.call(job1)  # jid of job1
    jid2 = cloud.call(job2, jid1, _depends_on=jid1)  # dependency!
    print(cloud.result(jid2))  # prints: 1

    # While a job waits for others its place is lent to them, so this ends even where one job runs at a time.
    print(cloud.result(cloud.call(fibonacci, 5)))  # prints: 5
