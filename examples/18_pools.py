"""Programs written for concurrent.futures and multiprocessing run on jobs."""

import itertools
from concurrent.futures import as_completed

import cloud
from cloud import pool_interface
from cloud.pool_interface import Pool


def is_prime(n: int) -> bool:
    return n > 1 and all(n % d for d in range(2, int(n**0.5) + 1))


with cloud.Executor() as executor:
    futures = {executor.submit(is_prime, n): n for n in (97, 98, 99, 101)}
    primes = sorted(futures[future] for future in as_completed(futures) if future.result())
    print("primes:", primes)  # prints: primes: [97, 101]
    assert primes == [97, 101]
    assert list(executor.map(is_prime, range(5))) == [False, False, True, True, False]

with Pool() as pool:
    assert pool.starmap(pow, [(2, 3), (3, 2)]) == [8, 9]
    endless = pool.imap(is_prime, itertools.count(100))
    print([100 + n for n in range(10) if next(endless)])  # prints: [101, 103, 107, 109]

# Without a pool: the functions of multiprocessing's Pool, on whatever `cloud` is.
assert pool_interface.map(is_prime, [7, 8]) == [True, False]
