"""What an evaluation found: the mean of each model on each test set, under each protocol."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from sr_bench.data.catalogue.protocols import Protocol
from sr_bench.evaluation.evaluating.candidate import Candidate
from sr_bench.evaluation.evaluating.evaluate import Evaluation
from sr_bench.evaluation.evaluating.parts import Part
from sr_bench.evaluation.evaluating.sets import TestSet
from sr_bench.evaluation.scoring.table import DECIMALS, identical


@dataclass(frozen=True)
class Result:
    """A model on a test set under a protocol.

    Args:
        candidate: the model.
        test_set: its images.
        protocol: how they were scored.
        means: metric -> mean over the images; a metric that some image lacks (chroma of a gray
            one) has none.
        scored: images with scores; fewer than the set has where some could not be read.
        signature: how the numbers were made.
        infinite: which images make a mean infinite, in words.
    """

    candidate: Candidate
    test_set: TestSet
    protocol: Protocol
    means: dict[str, float]
    scored: int
    signature: str
    infinite: tuple[str, ...] = ()

    @property
    def whole(self) -> bool:
        """Whether every image of the set is in the means."""
        return self.scored == len(self.test_set.dataset.entries)


def results_of(parts: Sequence[Part], evaluation: Evaluation) -> list[Result]:
    """The results in the order of protocols, test sets and models; failed models have none."""
    grouped = dict(iter(evaluation.rows.groupby(["model", "dataset", "protocol"], sort=False)))
    found = [
        _result(candidate, part.test_set, protocol, rows)
        for part in parts
        for candidate, protocols in part.models
        for protocol in protocols
        if (rows := grouped.get((candidate.name, part.test_set.name, protocol.name))) is not None
    ]
    order = list(dict.fromkeys(result.protocol.name for result in found))
    return sorted(found, key=lambda result: order.index(result.protocol.name))


def _result(
    candidate: Candidate, test_set: TestSet, protocol: Protocol, rows: pd.DataFrame
) -> Result:
    scored = int(rows["image"].nunique())
    means = {
        str(metric): round(float(of["value"].mean()), DECIMALS)
        for metric, of in rows.groupby("metric", sort=False)
        if len(of) == scored
    }
    signature = str(rows["signature"].iloc[0])
    return Result(candidate, test_set, protocol, means, scored, signature, tuple(identical(rows)))
