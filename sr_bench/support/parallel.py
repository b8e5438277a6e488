"""Where the cores go: over images when there are many, else over strips of one image."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

from threadpoolctl import threadpool_limits

from sr_bench.support.errors import SrBenchError

T = TypeVar("T")
R = TypeVar("R")


class Map(Protocol):
    """``map``, or an executor's."""

    def __call__(self, function: Callable[[T], R], items: Iterable[T], /) -> Iterable[R]:
        """Apply ``function`` to each item, in order."""


def cores() -> int:
    """The cores this process may run on."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def one_blas_thread() -> AbstractContextManager[object]:
    """BLAS with one thread a call: our own threads use the cores, its would compete with them."""
    limit: AbstractContextManager[object] = threadpool_limits(1, user_api="blas")
    return limit


def ahead(items: Iterable[T]) -> Iterator[T]:
    """The items in order; the next one is made in a thread while one is used.

    At most two are there at a time. What making one raises is raised where it would be used.
    """
    waiting, end = iter(items), object()
    with ThreadPoolExecutor(1) as pool:
        coming: Future[Any] = pool.submit(next, waiting, end)
        while (item := coming.result()) is not end:
            coming = pool.submit(next, waiting, end)
            yield item


def map_images(function: Callable[[T], R], items: Sequence[T]) -> list[R]:
    """``[function(x) for x in items]`` in threads, in order; the first error is raised.

    NumPy and Pillow release the interpreter's lock, so threads use all cores.
    """
    with one_blas_thread(), ThreadPoolExecutor(cores()) as pool:
        return list(pool.map(function, items))


@dataclass(frozen=True)
class Failure(Generic[T]):
    """An item whose work failed, and why."""

    item: T
    reason: str


@dataclass(frozen=True)
class Outcomes(Generic[T, R]):
    """What became of many items: each is in one of the two, in the order given."""

    done: list[tuple[T, R]]
    failed: list[Failure[T]]


def all_named(failed: Sequence[Failure[T]], total: int, work: str) -> str:
    """The message for images of which some failed: each of them with its reason, one a line.

    Args:
        work: what was done: "scored".
    """
    if total == 1:
        return failed[0].reason
    reasons = "".join(f"\n  {f.reason}" for f in failed)
    return f"{len(failed)} of {total} images could not be {work}:{reasons}"


def outcomes(
    function: Callable[[T], R], items: Sequence[T], *, workers: int | None = None
) -> Outcomes[T, R]:
    """As :func:`map_images`, but goes on after a bad image: one of 1,000 doesn't cost 999.

    An :class:`SrBenchError` or too little memory is the item's own failure. Any other error, such
    as a full disk, would meet every item: it is raised and the rest isn't begun.
    """

    def attempt(item: T) -> tuple[T, R] | Failure[T]:
        try:
            return item, function(item)
        except SrBenchError as error:
            return Failure(item, str(error))
        except MemoryError as error:
            return Failure(item, f"{item}: not enough memory {error}".strip())

    with one_blas_thread(), ThreadPoolExecutor(workers or cores()) as pool:
        found = list(pool.map(attempt, items))
    failed = [f for f in found if isinstance(f, Failure)]
    return Outcomes([f for f in found if not isinstance(f, Failure)], failed)


def strips_mapper(images: int) -> tuple[Map, AbstractContextManager[object]]:
    """A ``map`` for strips inside one image, and the context to use it in."""
    if images >= cores():
        return map, nullcontext()
    pool = ThreadPoolExecutor(cores())
    return pool.map, pool
