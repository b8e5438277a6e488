"""Cells, the rule against mixed signatures, and reading them back."""

import pandas as pd
import pytest

from sr_bench.evaluation.scoring.table import CELL, CELL_COLUMNS, cells, read_scores
from sr_bench.support.errors import SrBenchError

KEY = ["r-x2", "r", "", "none", 2, "Set5", "edsr-2017", "psnr"]


def per_image(*rows):
    """Rows of (image, value), with changes to the key as a dict behind them."""
    listed = []
    for image, value, *change in rows:
        base = dict(zip(CELL, KEY)) | {"image": image, "value": value, "signature": "s"}
        listed.append(base | (change[0] if change else {}))
    return pd.DataFrame(listed)


def test_a_cell_is_the_mean_over_images():
    table = cells(per_image(("a", 30.0), ("b", 34.0)))
    assert list(table.columns) == CELL_COLUMNS
    assert table[["value", "images"]].values.tolist() == [[32.0, 2]]


def test_a_metric_that_an_image_lacks_makes_no_cell():
    chroma = {"metric": "psnr_cb"}
    table = cells(per_image(("a", 30.0), ("b", 34.0), ("a", 50.0, chroma)))
    assert table["metric"].tolist() == ["psnr"]


def test_mixed_signatures_are_refused():
    with pytest.raises(SrBenchError, match=r"edsr-2017 would mix 2 signatures: other and s"):
        cells(per_image(("a", 30.0), ("b", 34.0, {"signature": "other", "run": "q-x2"})))


def test_a_foreign_table_is_refused(tmp_path):
    path = tmp_path / "scores.csv"
    path.write_text("a,b\n1,2\n")
    with pytest.raises(SrBenchError, match="columns are a, b; expected run"):
        read_scores(path)
    with pytest.raises(SrBenchError, match="no such file"):
        read_scores(tmp_path / "none.csv")
