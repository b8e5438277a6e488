"""What a report holds, before it is written."""

from __future__ import annotations

from dataclasses import dataclass, field

import pandas as pd

from sr_bench.report.names import Names


@dataclass(frozen=True)
class Report:
    """The tables of a report.

    Args:
        per_image: one row an image and cell.
        cells: the rows of ``scores.csv``.
        reproduction: every published number with what was measured.
        trained: what weights trained here reach, beside the published numbers they aim at.
        trainings: how those weights were made.
        timings: every machine's timings of inference.
        speedups: what they gain over a plain call of PyTorch.
        not_run: run to the reason why it has no scores.
        names: what its methods and weights are called.
    """

    per_image: pd.DataFrame
    cells: pd.DataFrame
    reproduction: pd.DataFrame
    trained: pd.DataFrame
    trainings: pd.DataFrame
    timings: pd.DataFrame
    speedups: pd.DataFrame
    not_run: dict[str, str]
    names: Names = field(default_factory=Names)
