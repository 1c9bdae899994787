"""`Pool`: the interface of `multiprocessing.Pool`, its callbacks, timeouts and ends."""

import logging
import multiprocessing
import pickle
import threading
from typing import Any

import pytest

from cloud.client.session import Session
from cloud.errors import CloudTimeoutError, JobError
from cloud.model import Status
from cloud.pool_interface import Pool, PoolTimeoutError
from tests.support.scripted_api import ScriptedApi
from tests.support.waiting import eventually


def test_its_arguments_are_checked(session: Session) -> None:
    for wrong in (0, -1):
        with pytest.raises(ValueError, match="at least 1"):
            Pool(wrong)
    for odd in (0, -1, 0.5, "12"):
        with pytest.raises(ValueError, match="maxtasksperchild"):
            Pool(maxtasksperchild=odd)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="initializer"):
        Pool(initializer=1, cloud=session)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="unexpected keyword argument"):
        Pool(labl="x")
    with pytest.raises(ValueError, match="Chunksize"):
        Pool(cloud=session).imap(abs, [1], 0)
    with pytest.raises(NotImplementedError):
        pickle.dumps(Pool(cloud=session))


def test_everything_gives_what_python_gives(busy: Session) -> None:
    pool = Pool(cloud=busy)
    assert pool.apply(divmod, (7, 2)) == (3, 1)
    assert pool.apply(int, ("11",), {"base": 2}) == 3
    assert pool.map(abs, range(-3, 0)) == [3, 2, 1]
    assert pool.map(abs, []) == []
    assert pool.map(str.upper, "ab") == ["A", "B"]
    assert pool.starmap(divmod, [(7, 2), (9, 4)]) == [(3, 1), (2, 1)]
    assert pool.starmap_async(max, [(1, 2), (1, 2, 3)]).get() == [2, 3]
    assert list(pool.imap(abs, iter(range(-3, 0)))) == [3, 2, 1]
    assert sorted(pool.imap_unordered(abs, iter(range(-3, 0)), 2)) == [1, 2, 3]


def test_timeouts_are_honoured_also_zero_and_are_of_both_families(session: Session) -> None:
    pool = Pool(cloud=session)
    results = [pool.apply_async(abs, (1,)), pool.map_async(abs, [1, 2]), pool.apply_async(abs, (1,), callback=print)]
    for result in results:
        for seconds in (0, 0.01, -1):
            with pytest.raises(multiprocessing.TimeoutError):
                result.get(seconds)
            with pytest.raises(CloudTimeoutError) as raised:
                result.get(timeout=seconds)
            result.wait(seconds)
        assert not result.ready()
        assert raised.value.jid
        with pytest.raises(ValueError, match="not ready"):
            result.successful()
    for iterator in (pool.imap(abs, [1]), pool.imap_unordered(abs, [1])):
        for seconds in (0, 0.01):
            with pytest.raises(PoolTimeoutError):
                iterator.next(seconds)


def test_an_error_comes_when_all_are_finished(api: ScriptedApi, session: Session) -> None:
    result = Pool(cloud=session).map_async(lambda x: 1 // x, [1, 0, 1])
    api.run(1, 2)
    with pytest.raises(PoolTimeoutError):
        result.get(0.01)
    api.run(3)
    for _ in range(2):
        with pytest.raises(ZeroDivisionError) as raised:
            result.get()
    assert "Job 2" in str(raised.value.__cause__)
    assert result.ready()
    assert not result.successful()


def test_callbacks_get_the_result_before_anybody_who_waits_goes_on(api: ScriptedApi, session: Session) -> None:
    pool = Pool(cloud=session)
    heard: list[Any] = []
    both: dict[str, Any] = {"callback": heard.append, "error_callback": lambda error: heard.append(type(error))}
    one, many = pool.apply_async(abs, (-1,), **both), pool.map_async(abs, [-2, -3], **both)
    bad, none = pool.apply_async(divmod, (1, 0), **both), pool.map_async(abs, [], **both)
    assert heard == [[]]
    assert none.get(0) == []
    for result, jids in ((many, (2, 3)), (bad, (4,)), (one, (1,))):
        api.run(*jids)
        result.wait()
    assert heard == [[], [2, 3], ZeroDivisionError, 1]
    assert one.get() == 1


def test_a_crashing_callback_is_logged_and_holds_nobody_up(
    api: ScriptedApi, session: Session, caplog: pytest.LogCaptureFixture
) -> None:
    result = Pool(cloud=session).apply_async(abs, (1,), callback=lambda value: 1 // 0)
    with caplog.at_level(logging.ERROR, logger="Cloud"):
        api.run(1)
        assert result.get(60) == 1
    assert "ZeroDivisionError" in caplog.text


def test_a_job_that_was_killed_raises_its_error(api: ScriptedApi, session: Session) -> None:
    result = Pool(cloud=session).apply_async(abs, (1,))
    session.kill(result.jids)
    with pytest.raises(JobError):
        result.get()


def test_what_cannot_be_pickled_raises_what_pickling_raised(session: Session) -> None:
    class Stubborn:
        def __reduce__(self) -> Any:
            raise RuntimeError("cannot pickle")

    pool = Pool(cloud=session)
    for how in (pool.map, lambda f, items: next(pool.imap(f, items)), lambda f, items: pool.apply(f, items)):
        with pytest.raises(RuntimeError, match="cannot pickle"):
            how(id, [Stubborn()])


def test_an_error_of_the_iterable_comes_behind_the_results_before_it(busy: Session) -> None:
    def items() -> Any:
        yield from range(4)
        raise KeyError("gone")

    pool = Pool(cloud=busy)
    with pytest.raises(KeyError):
        pool.map(abs, items())
    for chunksize, expected in ((1, 4), (3, 3)):
        iterator, unordered = pool.imap(abs, items(), chunksize), pool.imap_unordered(abs, items(), chunksize)
        for each in (iterator, unordered):
            assert sorted(each.next(60) for _ in range(expected)) == list(range(expected))
            with pytest.raises(KeyError):
                each.next(60)
            with pytest.raises(StopIteration):
                each.next(60)


def test_imap_goes_on_behind_an_error(busy: Session) -> None:
    iterator = Pool(cloud=busy).imap(lambda x: 1 // x, [1, 0, -1])
    assert next(iterator) == 1
    with pytest.raises(ZeroDivisionError):
        next(iterator)
    assert next(iterator) == -1


def test_imap_unordered_gives_what_is_finished_first(api: ScriptedApi, session: Session) -> None:
    iterator = Pool(cloud=session).imap_unordered(abs, [10, 20, 30])
    api.run(3)
    assert iterator.next(60) == 30
    api.run(1)
    assert iterator.next(60) == 10
    with pytest.raises(PoolTimeoutError):
        iterator.next(0)
    api.run(2)
    assert iterator.next(60) == 20
    with pytest.raises(StopIteration):
        iterator.next(60)


def test_close_takes_no_more_and_join_waits(api: ScriptedApi, session: Session) -> None:
    pool = Pool(cloud=session)
    pool.map_async(abs, [1, 2])
    with pytest.raises(ValueError, match="still running"):
        pool.join()
    pool.close()
    late: Any
    for late in (pool.apply_async, pool.map_async, pool.imap, pool.imap_unordered, pool.starmap):
        with pytest.raises(ValueError, match="not running"):
            late(abs, [1])
    thread = threading.Thread(target=pool.join)
    thread.start()
    eventually(lambda: ("wait", (range(1, 3),)) in api.asked)
    api.run(1, 2)
    thread.join(60)
    assert not thread.is_alive()


def test_the_end_of_with_kills_what_is_not_finished(api: ScriptedApi, session: Session) -> None:
    with Pool(cloud=session) as pool:
        pool.map_async(abs, range(3))
        api.run(1)
    assert [api.jobs[jid].status for jid in (1, 2, 3)] == [Status.DONE, Status.KILLED, Status.KILLED]
    pool.join()
    with pytest.raises(ValueError, match="not running"), pool:
        pass
    assert repr(pool) == "<Pool on cloud, terminated>"


def test_one_job_per_process_is_said_to_the_cloud(api: ScriptedApi, session: Session) -> None:
    Pool(cloud=session, maxtasksperchild=1).apply_async(abs, (1,))
    Pool(cloud=session, maxtasksperchild=9, _label="x").apply_async(abs, (1,))
    told = [(api.jobs[jid].spec.kill_process, api.jobs[jid].spec.label) for jid in (1, 2)]
    assert told == [(True, None), (False, "x")]
