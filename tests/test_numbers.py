"""The committed reports hold the required numbers; `sr-bench check` keeps them fresh."""

import csv
from decimal import Decimal
from pathlib import Path

import pytest

from sr_bench.evaluation.scoring.table import read_scores

ROOT = Path(__file__).resolve().parent.parent
with (ROOT / "tests/reference/required.csv").open(newline="") as handle:
    REQUIRED = list(csv.DictReader(handle))


@pytest.fixture(scope="module")
def scores():
    table = read_scores(ROOT / "reports/scores.csv")
    return table.set_index(["run", "dataset", "protocol", "metric"])["value"].sort_index()


@pytest.mark.parametrize(
    "row", REQUIRED, ids=lambda r: f"{r['run']}-{r['dataset']}-{r['protocol']}-{r['metric']}"
)
def test_required_number(scores, row):
    measured = scores[row["run"], row["dataset"], row["protocol"], row["metric"]]
    digits = -Decimal(row["value"]).as_tuple().exponent
    # 0.001 dB and 0.00005 SSIM, or half a unit of the last digit where fewer were stated.
    tolerance = 0.00005 if row["metric"].startswith("ssim") else max(0.001, 0.5 * 10**-digits)
    assert abs(measured - float(row["value"])) <= tolerance


def test_mixed_protocols_would_show(scores):
    """The signature tells protocols apart although the run and the dataset are the same."""
    bicubic = scores["bicubic-x2", "Set5"].xs("psnr", level="metric")
    assert len(set(bicubic.round(3))) >= 4
