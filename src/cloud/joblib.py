"""joblib's loops on the active cloud.

    import cloud.joblib, joblib
    with joblib.parallel_config("picloud"):
        search.fit(x, y)  # scikit-learn's grid search, each fit a job

Importing this module registers the name. `parallel_config("picloud", cloud=cloud.mp, _label="search")` says which cloud
runs the jobs, and gives reserved keywords of `cloud.call`.
"""

from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

from joblib._parallel_backends import AutoBatchingMixin, FallbackToBackend, SequentialBackend
from joblib.parallel import ParallelBackendBase, register_parallel_backend

from cloud.client.naming import full_name
from cloud.pools.futures import Executor
from cloud.pools.whose import session_of

LEAST_JOBS = 2
"""With 1, joblib would not ask us at all, but run everything here."""


class PicloudBackend(AutoBatchingMixin, ParallelBackendBase):  # type: ignore[misc]
    """Batches of calls as jobs; joblib makes batches of what takes less than 0.2 seconds."""

    supports_retrieve_callback = True
    supports_return_generator = True
    supports_timeout = True
    supports_sharedmem = False
    uses_threads = False
    default_n_jobs = -1

    def __init__(self, nesting_level: int | None = None, cloud: Any = None, **reserved: Any) -> None:
        super().__init__(nesting_level=nesting_level)
        self._cloud = cloud
        self._reserved = reserved
        self._executor: Executor | None = None
        self._runs: dict[str, RunBatch] = {}

    def effective_n_jobs(self, n_jobs: int | None) -> int:
        """How many jobs the cloud runs at once; a positive number is taken as it is."""
        if n_jobs == 0:
            raise ValueError("n_jobs == 0 in Parallel has no meaning")
        if n_jobs is None:
            return 1
        if n_jobs > 0:
            return n_jobs
        slots = int(session_of(self._cloud).api.describe()["slots"])
        return max(slots + 1 + n_jobs, LEAST_JOBS)

    def configure(self, n_jobs: int = 1, parallel: Any = None, **others: Any) -> int:
        """Begin, with as many jobs at once; as `ParallelBackendBase`."""
        number = self.effective_n_jobs(n_jobs)
        if number == 1:
            raise FallbackToBackend(SequentialBackend(nesting_level=self.nesting_level))
        self.parallel = parallel
        self._executor = Executor(number, cloud=self._cloud, **self._reserved)
        return number

    def submit(self, func: Callable[[], Any], callback: Callable[[Future[Any]], object] | None = None) -> Future[Any]:
        """A job that runs a batch of calls."""
        assert self._executor is not None, "joblib configures before it submits"
        future = self._executor.submit(self._named(func), func)
        if callback is not None:
            future.add_done_callback(callback)
        return future

    def _named(self, batch: Any) -> "RunBatch":
        """What runs this batch, called as the function in it, the first if there are several."""
        items = getattr(batch, "items", None)
        first = items[0][0] if isinstance(items, list) and items else RunBatch
        name = full_name(first).partition(" at ")[0]
        return self._runs.setdefault(name, RunBatch(*name.rpartition(".")[::2]))

    def retrieve_result_callback(self, out: Future[Any]) -> Any:
        """The results of a batch whose job is finished; raises what it raised."""
        return out.result()

    def abort_everything(self, ensure_ready: bool = True) -> None:
        """Kill what is not finished."""
        if self._executor is not None:
            self._executor.kill()
        if ensure_ready:
            self.configure(n_jobs=self.parallel.n_jobs, parallel=self.parallel)

    def terminate(self) -> None:
        """Take no more."""
        if self._executor is not None:
            self._executor.shutdown(wait=False)
            self._executor = None


class RunBatch:
    """The function of the jobs, one for all with the same name, so that a batch travels as an argument."""

    def __init__(self, module: str, name: str) -> None:
        self.__module__ = module
        self.__qualname__ = name

    def __call__(self, batch: Callable[[], Any]) -> Any:
        return batch()


register_parallel_backend("picloud", PicloudBackend)
