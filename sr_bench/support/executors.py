"""Who does many units of work: processes of this machine, or the workers of a Dask cluster.

A unit is a small object that can be pickled, and so is the function's result. A unit whose worker
is lost is done again by another one; which worker does a unit doesn't change its result.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import get_context, parent_process
from threading import Thread
from typing import Any, Literal, Protocol, TypeVar, get_args

from sr_bench.support.errors import SrBenchError, WrongUse
from sr_bench.support.parallel import cores

U = TypeVar("U")
R = TypeVar("R")
Kind = Literal["local", "processes", "dask"]

_LOST = 3  # workers that one unit may cost


class Executor(Protocol):
    """Does units of work elsewhere."""

    def each(
        self, function: Callable[[U], R], units: Sequence[U]
    ) -> Generator[tuple[U, R], None, None]:
        """Each unit with ``function(unit)``, in the order in which they are finished.

        Raises:
            SrBenchError: at the end, if units cost a worker each time that they were tried.
        """


@dataclass(frozen=True)
class ExecutorOptions:
    """Which executor is wanted.

    Args:
        kind: ``local`` is threads of this process.
        workers: how many processes; ``None``: one a core.
        scheduler: the address of a Dask scheduler; ``None``: a cluster on this machine.

    Raises:
        WrongUse: for options that don't go together.
    """

    kind: Kind = "local"
    workers: int | None = None
    scheduler: str | None = None

    def __post_init__(self) -> None:
        if self.kind not in get_args(Kind):
            raise WrongUse(f"executor {self.kind!r} is unknown; {', '.join(get_args(Kind))}")
        if self.kind == "local" and self.workers is not None:
            raise WrongUse("--workers is for --executor processes or dask; local uses all cores")
        if self.scheduler is not None and (self.kind != "dask" or self.workers is not None):
            raise WrongUse("--scheduler is for --executor dask, and its workers are there already")

    @contextmanager
    def opened(self, tell: Callable[[str], None] = print) -> Iterator[Executor | None]:
        """The executor; ``None`` for ``local``. ``tell`` gets what a person wants to know of it."""
        workers = self.workers or cores()
        if self.kind == "local":
            yield None
        elif self.kind == "processes":
            pool = Processes(workers)
            try:
                yield pool
            finally:
                pool.close()
        else:
            with _dask_client(self.scheduler, workers) as client:
                tell(f"Dask: {client.dashboard_link}")
                yield DaskWorkers(client)


class Processes:
    """Processes of this machine, each started afresh and used for many units."""

    def __init__(self, workers: int) -> None:
        self._workers = workers
        self._pool = self._started()

    def each(
        self, function: Callable[[U], R], units: Sequence[U]
    ) -> Generator[tuple[U, R], None, None]:
        """As :class:`Executor`.

        Which unit a lost process held isn't known, so those that were begun are done again one at a
        time, then the others together. An error names the units that lose a process by themselves;
        all others are done before.
        """
        waiting, lost = dict(enumerate(units)), list[U]()
        while waiting:
            try:
                for i, result in self._together(function, waiting):
                    yield waiting.pop(i), result
            except BrokenProcessPool:
                self._pool = self._started()
                for i in list(waiting)[: self._workers]:  # begun in their order, one a process
                    unit = waiting.pop(i)
                    try:
                        result = self._alone(function, unit)
                    except BrokenProcessPool:
                        lost.append(unit)
                    else:
                        yield unit, result
        if lost:
            raise SrBenchError(
                f"a worker process ended {_LOST} times at {', '.join(map(str, lost))}, though no "
                "other one worked then; the machine's memory may be too small for that"
            )

    def _together(
        self, function: Callable[[U], R], units: Mapping[int, U]
    ) -> Iterator[tuple[int, R]]:
        futures = {self._pool.submit(function, unit): i for i, unit in units.items()}
        try:
            for future in as_completed(futures):
                yield futures[future], future.result()
        finally:
            for future in futures:
                future.cancel()

    def _alone(self, function: Callable[[U], R], unit: U) -> R:
        lost = 0
        while True:
            try:
                return self._pool.submit(function, unit).result()
            except BrokenProcessPool:
                self._pool = self._started()
                lost += 1
                if lost == _LOST:
                    raise

    def close(self) -> None:
        """End the processes; units that aren't begun are dropped."""
        self._pool.shutdown(cancel_futures=True)

    def _started(self) -> ProcessPoolExecutor:
        return ProcessPoolExecutor(self._workers, get_context("spawn"), _depend_on_the_parent)


@dataclass(frozen=True)
class DaskWorkers:
    """The workers of a Dask cluster; its scheduler gives a lost worker's units to others."""

    client: Any  # a distributed.Client

    def each(
        self, function: Callable[[U], R], units: Sequence[U]
    ) -> Generator[tuple[U, R], None, None]:
        """As :class:`Executor`."""
        from distributed import KilledWorker
        from distributed import as_completed as each_done

        futures = self.client.map(function, units, pure=False)
        unit_of = {future.key: unit for future, unit in zip(futures, units)}
        lost = []
        try:
            for future in each_done(futures):
                try:
                    result = future.result()
                except KilledWorker:
                    lost.append(unit_of[future.key])
                else:
                    yield unit_of[future.key], result
        finally:
            self.client.cancel(futures)
        if lost:
            raise SrBenchError(
                f"Dask lost each worker that was given {', '.join(map(str, lost))}; their "
                "memory may be too small for that"
            )


@contextmanager
def _dask_client(scheduler: str | None, workers: int) -> Iterator[Any]:
    import dask
    from distributed import Client, LocalCluster

    if scheduler is not None:
        try:
            client = Client(scheduler)
        except OSError as error:
            raise SrBenchError(
                f"{scheduler}: no Dask scheduler answers there ({error}); start one: dask scheduler"
            ) from error
        with client:
            yield client
        return
    threads = {"n_workers": workers, "threads_per_worker": 1, "dashboard_address": ":0"}
    # Dask has workers give free memory back at once; planes would ask for it again each time.
    kept = {"distributed.nanny.pre-spawn-environ.MALLOC_TRIM_THRESHOLD_": None}
    with dask.config.set(kept), LocalCluster(**threads) as cluster, Client(cluster) as client:
        yield client


def _depend_on_the_parent() -> None:
    """Leave Ctrl-C to the parent, and end with it: a killed one says nothing to its workers."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    Thread(target=_end_with_the_parent, daemon=True).start()


def _end_with_the_parent() -> None:
    parent = parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)
