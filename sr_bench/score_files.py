"""Reading the tables of scores: ``scores.csv`` and ``per_image.csv.gz``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from sr_bench.columns import CELL_COLUMNS, IMAGE_COLUMNS
from sr_bench.errors import SrBenchError, about

PER_IMAGE_COLUMNS = [*CELL_COLUMNS, "image"]  # reports/per_image.csv.gz
_REMEDY = "make it with: dvc repro"


def read_scores(path: Path) -> pd.DataFrame:
    """Read a ``scores.csv``; empty variants stay empty text, an empty value is NaN.

    Raises:
        SrBenchError: if it is missing, isn't CSV, or has other columns.
    """
    return _read(path, CELL_COLUMNS).astype({"images": int})


def read_per_image(path: Path) -> pd.DataFrame:
    """Read a ``per_image.csv.gz``, or a ``build/scores/<run>.csv``, which has no ``images``.

    Raises:
        SrBenchError: as :func:`read_scores`, and where an image is listed twice in a cell.
    """
    table = _read(path, PER_IMAGE_COLUMNS, IMAGE_COLUMNS)[IMAGE_COLUMNS]
    keys = ["run", "dataset", "protocol", "metric", "image"]
    twice = table[table.duplicated(keys)]
    if len(twice):
        named = ", ".join(str(twice[k].iloc[0]) for k in keys)
        raise SrBenchError(f"{path}: {named} is listed twice; {_REMEDY}")
    return table


def _read(path: Path, *expected: Sequence[str]) -> pd.DataFrame:
    if not path.is_file():
        raise SrBenchError(f"{path}: no such file; {_REMEDY}")
    with about(path):
        table = _open(path)
    if list(table.columns) not in [list(columns) for columns in expected]:
        raise SrBenchError(
            f"{path}: columns are {', '.join(table.columns)}; expected {', '.join(expected[0])}: "
            "the file is of another version of sr-bench, or no table of scores; " + _REMEDY
        )
    with about(path):
        table["value"] = table["value"].replace("", "nan")
        return table.astype({"scale": int, "value": float})


def _open(path: Path) -> pd.DataFrame:
    text = {"image": str, "variant": str, "value": str}
    try:
        return pd.read_csv(path, keep_default_na=False, dtype=text)
    except (OSError, EOFError) as error:  # a damaged .gz
        raise SrBenchError(f"{path}: can't be read ({error}); {_REMEDY}") from error
