"""`joblib.parallel_config("picloud")`: loops, errors, and scikit-learn's grid search, on jobs."""

import multiprocessing
import os
import time
from collections.abc import Iterator

import pytest

from cloud.client.session import Session
from tests.support import cpython
from tests.support.required import require_or_skip

try:
    import joblib
    import sklearn  # noqa: F401
except ImportError:
    joblib = None


@pytest.fixture(scope="module", params=cpython.CLOUDS)
def anywhere(request: pytest.FixtureRequest) -> Iterator[Session]:
    if joblib is None:
        require_or_skip("joblib or scikit-learn is not installed: pip install joblib scikit-learn")
    import cloud.joblib  # noqa: F401

    with cpython.session_on(request.param) as session:
        yield session


def test_a_loop_runs_in_other_processes_in_order(anywhere: Session) -> None:
    def square(i: int) -> tuple[int, int]:
        return os.getpid(), i * i

    with joblib.parallel_config("picloud", cloud=anywhere, _label="squares"):
        results = joblib.Parallel()(joblib.delayed(square)(i) for i in range(500))
    assert [value for _, value in results] == [i * i for i in range(500)]
    assert os.getpid() not in {pid for pid, _ in results}


def test_jobs_are_called_as_the_users_function(anywhere: Session) -> None:
    def cube(i: int) -> int:
        return i**3

    jid = int(anywhere.call(abs, 1))
    with joblib.parallel_config("picloud", cloud=anywhere):
        assert joblib.Parallel(n_jobs=2)(joblib.delayed(cube)(i) for i in range(3)) == [0, 1, 8]
    assert anywhere.info(jid + 1, "function")[jid + 1]["function"] == f"{__name__}.cube"


def test_results_may_come_as_a_generator_unordered(anywhere: Session) -> None:
    with joblib.parallel_config("picloud", cloud=anywhere):
        results = joblib.Parallel(n_jobs=2, return_as="generator_unordered")(joblib.delayed(abs)(-i) for i in range(20))
        assert sorted(results) == list(range(20))


def test_an_error_is_raised_as_itself_and_ends_the_rest(anywhere: Session) -> None:
    def fail(i: int) -> None:
        if i == 3:
            raise LookupError(f"no {i}")
        time.sleep(60)

    with joblib.parallel_config("picloud", cloud=anywhere), pytest.raises(LookupError, match="no 3"):
        joblib.Parallel(n_jobs=5)(joblib.delayed(fail)(i) for i in (0, 3, 1, 2))
    with joblib.parallel_config("picloud", cloud=anywhere):
        assert joblib.Parallel()(joblib.delayed(abs)(i) for i in range(3)) == [0, 1, 2]


def test_one_job_at_a_time_is_no_job_at_all(anywhere: Session) -> None:
    with joblib.parallel_config("picloud", cloud=anywhere):
        assert joblib.Parallel(n_jobs=1)(joblib.delayed(os.getpid)() for _ in range(2)) == [os.getpid()] * 2


def test_a_timeout_is_honoured(anywhere: Session) -> None:
    with joblib.parallel_config("picloud", cloud=anywhere), pytest.raises(multiprocessing.TimeoutError):
        joblib.Parallel(n_jobs=2, timeout=0.2)(joblib.delayed(time.sleep)(60) for _ in range(2))


def test_scikit_learn_searches_a_grid(anywhere: Session) -> None:
    from sklearn.datasets import load_iris
    from sklearn.model_selection import GridSearchCV
    from sklearn.tree import DecisionTreeClassifier

    x, y = load_iris(return_X_y=True)
    grid = {"max_depth": [1, 2, 3], "min_samples_leaf": [1, 5]}
    here = GridSearchCV(DecisionTreeClassifier(random_state=0), grid).fit(x, y)
    with joblib.parallel_config("picloud", cloud=anywhere):
        there = GridSearchCV(DecisionTreeClassifier(random_state=0), grid).fit(x, y)
    assert there.best_params_ == here.best_params_
    assert list(there.cv_results_["mean_test_score"]) == list(here.cv_results_["mean_test_score"])
