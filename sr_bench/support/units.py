"""Units of work: blocks of images, given to workers and put together again in order.

A worker whose code, libraries or processor are others than those of the process that gave the unit
refuses it: what it makes could differ.
"""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any, TypeVar

from sr_bench.support.errors import SrBenchError
from sr_bench.support.executors import Executor
from sr_bench.support.version import __version__, code_hash

U = TypeVar("U")
R = TypeVar("R")

PIXELS = 2_000_000  # of hr in a block: a second of scoring, seconds of a small network
_PACKAGES = ("numpy", "pillow", "scipy")


def in_blocks(items: Iterable[U], pixels: Callable[[U], int]) -> Iterator[list[U]]:
    """The images in order, in blocks of about equal work: :data:`PIXELS` of hr."""
    block: list[U] = []
    total = 0
    for item in items:
        block.append(item)
        total += pixels(item)
        if total >= PIXELS:
            yield block
            block, total = [], 0
    if block:
        yield block


def first_to_last(names: Sequence[str]) -> str:
    """What a block of images is called: ``0001 to 0016``."""
    return f"{names[0]} to {names[-1]}" if len(names) > 1 else names[0]


def in_order(
    executor: Executor,
    function: Callable[[U], R],
    units: Sequence[U],
    done: Callable[[U, R], object] = lambda unit, result: None,
) -> list[R]:
    """The results in the order of the units; ``done`` gets each as soon as it is there.

    Raises:
        SrBenchError: as :meth:`Executor.each`.
    """
    places = {id(unit): place for place, unit in enumerate(units)}
    found: dict[int, R] = {}
    for unit, result in executor.each(function, units):
        done(unit, result)
        found[places[id(unit)]] = result
    return [found[place] for place in range(len(units))]


def as_facts(facts: Mapping[str, Any]) -> str:
    """What decides a result, in a form that a worker can compare: JSON."""
    return json.dumps(facts, sort_keys=True, default=str)


@cache
def software(parts: tuple[str, ...]) -> str:
    """:func:`as_facts` of the code that computes without torch: parts of this package, libraries.

    Args:
        parts: modules and folders below ``sr_bench``.
    """
    packages = {name: version(name) for name in _PACKAGES}
    here = {"sr_bench": __version__, "code": code_hash(parts), "packages": packages}
    return as_facts({**here, "processor": platform.machine()})


def require_same_facts(here: str, given: str, what: str) -> None:
    """Refuse a unit that another process gave, in a worker that could make something else of it.

    Args:
        here: :func:`as_facts` of this worker.
        given: the same of the process that gave the unit.
        what: the unit is of.

    Raises:
        SrBenchError: naming what differs.
    """
    ours, theirs = json.loads(here), json.loads(given)
    other = sorted(key for key in ours | theirs if ours.get(key) != theirs.get(key))
    if other:
        key = other[0]
        raise SrBenchError(
            f"{what}: a worker differs in {', '.join(other)} ({key}: {ours.get(key)}, where the "
            f"command was given {theirs.get(key)}), so that its result could differ; give all "
            "workers the same sr-bench, libraries, kind of processor and number of cores"
        )


def work_in(folder: Path) -> None:
    """Work in the folder of the process that gave a unit: its paths and names begin there.

    Raises:
        SrBenchError: if the worker doesn't see it.
    """
    try:
        os.chdir(folder)
    except OSError as error:
        raise SrBenchError(
            f"{folder}: a worker can't work in it ({error.strerror}); all workers have to see the "
            "same folders under the same paths"
        ) from error
