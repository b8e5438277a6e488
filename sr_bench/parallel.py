"""Where the cores go: over images when there are many, else over strips of one image."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from typing import Protocol, TypeVar

from threadpoolctl import threadpool_limits

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


def map_images(function: Callable[[T], R], items: Sequence[T]) -> list[R]:
    """``[function(x) for x in items]`` in threads, in order; the first error is raised.

    NumPy and Pillow release the interpreter's lock, so threads use all cores.
    """
    with one_blas_thread(), ThreadPoolExecutor(cores()) as pool:
        return list(pool.map(function, items))


def strips_mapper(images: int) -> tuple[Map, AbstractContextManager[object]]:
    """A ``map`` for strips inside one image, and the context to use it in."""
    if images >= cores():
        return map, nullcontext()
    pool = ThreadPoolExecutor(cores())
    return pool.map, pool
