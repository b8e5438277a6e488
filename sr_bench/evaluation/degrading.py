"""LR files of a folder of HR images: by threads of this process, or in blocks by workers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from sr_bench.imaging import images
from sr_bench.imaging.degrade import Degradation, degrade_and_tell
from sr_bench.support.errors import about
from sr_bench.support.executors import Executor
from sr_bench.support.files import replacing
from sr_bench.support.parallel import Outcomes, outcomes
from sr_bench.support.units import (
    first_to_last,
    in_blocks,
    in_order,
    require_same_facts,
    software,
    work_in,
)

CODE = ("imaging", "support/version.py")  # of this package, what decides lr
Fact = dict[str, Any]  # of one image: hr, lr, shape; manifest where something was drawn


@dataclass(frozen=True)
class LrRule:
    """How LR is made, and where it goes."""

    degradation: Degradation
    scale: int
    out: Path


@dataclass(frozen=True)
class HrBlock:
    """Some HR images, for a worker.

    Args:
        files: which.
        rule: how LR is made.
        folder: where their paths begin, absolute.
        facts: :func:`~sr_bench.support.units.software`; the worker has to find the same.
    """

    files: tuple[Path, ...]
    rule: LrRule
    folder: Path
    facts: str

    def __str__(self) -> str:
        return first_to_last((str(self.files[0]), *(file.name for file in self.files[1:])))


def degrade_files(
    files: Sequence[Path],
    rule: LrRule,
    *,
    progress: Callable[[int], object],
    executor: Executor | None = None,
) -> Outcomes[Path, Fact]:
    """Write LR of each HR image; a bad one doesn't cost the others.

    Args:
        files: the HR images.
        rule: how LR is made, and where it goes.
        progress: called with the number of images that were done.
        executor: whose workers do it; ``None``: threads of this process. The files are the same.
    """
    if executor is None:

        def counted(path: Path) -> Fact:
            progress(1)
            return write_lr(rule, path)

        return outcomes(counted, files)
    here, facts = Path.cwd(), software(CODE)
    blocks = [
        HrBlock(tuple(some), rule, here, facts) for some in in_blocks(files, images.pixels_of)
    ]
    found = in_order(executor, degrade_block, blocks, lambda block, _: progress(len(block.files)))
    return Outcomes(
        [d for one in found for d in one.done], [f for one in found for f in one.failed]
    )


def degrade_block(block: HrBlock) -> Outcomes[Path, Fact]:
    """Write LR of the images of a block, one after the other; for a worker.

    Raises:
        SrBenchError: if this worker could make other LR than the process that gave the block.
    """
    require_same_facts(software(CODE), block.facts, str(block))
    work_in(block.folder)
    return outcomes(partial(write_lr, block.rule), block.files, workers=1)


def write_lr(rule: LrRule, path: Path) -> Fact:
    """Write LR of an HR image: PNG, or where it isn't rounded ``.npy``.

    Raises:
        SrBenchError: if HR can't be read, or no LR can be made of it.
    """
    hr = images.read(path)
    with about(path):
        lr, drawn = degrade_and_tell(hr, rule.degradation, scale=rule.scale)
    written = _write(rule.out, path.stem, lr)
    draws = {} if drawn is None else {"manifest": drawn.manifest()}
    return {"hr": str(path), "lr": str(written), "shape": list(lr.shape), **draws}


def _write(out: Path, stem: str, lr: np.ndarray[Any, Any]) -> Path:
    if lr.dtype == np.uint8:
        images.write(out / f"{stem}.png", lr)
        return out / f"{stem}.png"
    target = out / f"{stem}.npy"
    with replacing(target) as temporary, temporary.open("wb") as handle:
        np.save(handle, lr)
    return target
