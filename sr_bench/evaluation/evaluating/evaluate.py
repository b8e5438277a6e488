"""Models on test sets: LR is made once for all models of a scale, upscaled, and scored.

What is scored is what ``sr-bench upscale`` writes and ``sr-bench score`` reads: uint8 SR. Threads
read, degrade and score while a model computes; nothing is kept but the scores.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from sr_bench.evaluation.evaluating.blocks import Elsewhere, scored_elsewhere
from sr_bench.evaluation.evaluating.parts import Part
from sr_bench.evaluation.evaluating.work import ROW, Fault, PartWork, Unsteady


@dataclass(frozen=True)
class Evaluation:
    """What came out.

    Args:
        rows: one for each model, dataset, protocol, metric and image; the columns of :data:`ROW`.
        faults: everything that has no score.
        unsteady: models that gave other pixels for the same image the second time; one for each,
            of its first test set.
    """

    rows: pd.DataFrame
    faults: tuple[Fault, ...]
    unsteady: tuple[Unsteady, ...] = ()

    @property
    def table(self) -> pd.DataFrame:
        """The rows, and one with an ``error`` for each fault; without faults no such column."""
        if not self.faults:
            return self.rows
        bad = pd.DataFrame(
            [
                {"model": f.model, "dataset": f.dataset, "image": f.image, "error": f.reason}
                for f in self.faults
            ]
        )
        table = pd.concat([self.rows, bad], ignore_index=True)
        return table.fillna({"error": "", "protocol": "", "metric": "", "signature": ""})


def evaluate(
    parts: Sequence[Part],
    *,
    progress: Callable[[int], None],
    save: Path | None = None,
    elsewhere: Elsewhere | None = None,
) -> Evaluation:
    """Score every model of every part.

    Args:
        parts: from :func:`~sr_bench.evaluation.evaluating.parts.parts_of`.
        progress: called with 1 after each image of each model.
        save: the folder for SR images; ``None`` keeps none.
        elsewhere: whose workers do it; ``None``: this process. The scores are the same.

    Returns:
        The scores, and what has none: a model that fails on an image isn't called again for that
        test set, and has no score there; an image that can't be read costs no other. Of each test
        set the smallest image goes through each model twice.
    """
    if elsewhere is None:
        found = [PartWork.begin(part, save).all(progress) for part in parts]
    else:
        found = scored_elsewhere(parts, elsewhere, progress, save)
    rows = pd.DataFrame([row for scores in found for row in scores.scored], columns=ROW)
    unsteady: dict[str, Unsteady] = {}
    for told in (told for scores in found for told in scores.unsteady):
        unsteady.setdefault(told.model, told)
    faults = tuple(fault for scores in found for fault in scores.all_faults)
    return Evaluation(rows, faults, tuple(unsteady.values()))
