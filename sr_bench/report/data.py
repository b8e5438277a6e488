"""What a report holds, before it is written."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd


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
    """

    per_image: pd.DataFrame
    cells: pd.DataFrame
    reproduction: pd.DataFrame
    trained: pd.DataFrame
    trainings: pd.DataFrame
    timings: pd.DataFrame
    speedups: pd.DataFrame
    not_run: dict[str, str]
