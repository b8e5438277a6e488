"""Verdicts on published numbers."""

from pathlib import Path

import pandas as pd
import pytest

from sr_bench.analysis.ledger.ledger import (
    COLUMNS,
    RUN,
    TRAINED_RUN,
    Context,
    equal_at_printed_digits,
    judge,
    read_ledger,
)
from sr_bench.support.errors import SrBenchError

ROOT = Path(__file__).resolve().parent.parent
CONTEXT = Context(
    methods=frozenset({"bicubic", "srcnn"}),
    runs=frozenset({"bicubic-x2", "srcnn-9-1-5-mmediting-x4"}),
    datasets={"srcnn-2015": frozenset({"Set5"}), "mmediting-2020": frozenset({"Set5"})},
)


def row(**changes):
    base = {
        "source": "paper",
        "method": "bicubic",
        "variant": "",
        "dataset": "Set5",
        "scale": "2",
        "metric": "psnr",
        "value": "33.66",
        "protocol": "srcnn-2015",
        "note": "",
        RUN: "bicubic",
    }
    return base | changes


def measured(*rows):
    columns = ["run", "scale", "dataset", "protocol", "metric", "value"]
    return pd.DataFrame(rows, columns=columns)


def verdict(entry, *cells):
    return judge(pd.DataFrame([entry]), measured(*cells), CONTEXT).iloc[0]


@pytest.mark.parametrize(
    ("published", "value", "equal"),
    [
        ("33.66", 33.6621, True),
        ("33.66", 33.665, False),  # half up: 33.67
        ("33.66", 33.6649999, True),
        ("33.66", 33.6549999, False),
        ("0.8099", 0.80990, True),
        ("0.90", 0.903, True),
        ("0.9", 0.96, False),
        ("40", 39.6, True),
        ("33.66", float("inf"), False),
    ],
)
def test_equal_at_printed_digits(published, value, equal):
    assert equal_at_printed_digits(published, value) is equal


@pytest.mark.parametrize(
    ("value", "expected"),
    [(33.6621, "reproduced"), (33.673, "close"), (33.647, "close"), (33.69, "differs")],
)
def test_verdict_by_distance(value, expected):
    got = verdict(row(), ("bicubic-x2", 2, "Set5", "srcnn-2015", "psnr", value))
    assert got["verdict"] == expected
    assert got["delta"] == pytest.approx(value - 33.66)
    assert got["published"] == "33.66"


def test_another_protocol_that_fits_is_named():
    got = verdict(
        row(protocol="edsr-2017"),
        ("bicubic-x2", 2, "Set5", "edsr-2017", "psnr", 33.6734),
        ("bicubic-x2", 2, "Set5", "srcnn-2015", "psnr", 33.6621),
        ("bicubic-x2", 2, "Set5", "srcnn-2015", "ssim", 33.6621),
        ("bicubic-x3", 3, "Set5", "basicsr-y", "psnr", 33.6621),
    )
    assert got["verdict"] == "close"
    assert got["note"] == "the printed digits come out under srcnn-2015"


def test_mmediting_ssim_is_compared_with_the_blue_channel():
    entry = row(
        method="srcnn",
        scale="4",
        metric="ssim",
        value="0.8099",
        protocol="mmediting-2020",
        run="srcnn-9-1-5-mmediting",
    )
    run = "srcnn-9-1-5-mmediting-x4"
    got = verdict(
        entry,
        (run, 4, "Set5", "mmediting-2020", "ssim", 0.82518),
        (run, 4, "Set5", "mmediting-2020", "ssim_blue", 0.80990),
    )
    assert got["verdict"] == "reproduced"
    assert got["metric"] == "ssim"


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"dataset": "BSD200"}, "BSD200 is not a dataset that can be fetched"),
        ({"method": "edsr"}, "no file for edsr among the methods"),
        ({"run": ""}, "the weights behind this row were not published"),
        ({"dataset": "Set14"}, "Set14 is not among the datasets of srcnn-2015 in params.yaml"),
        ({"scale": "3"}, "bicubic-x3 is not among the runs of params.yaml"),
        ({}, "bicubic-x2 has no score on Set5 under srcnn-2015"),
    ],
)
def test_a_row_that_was_not_run_says_why(changes, reason):
    got = verdict(row(note="a doubt", **changes))
    assert got["verdict"] == "not run"
    assert got["note"] == f"{reason}; a doubt"
    assert got["measured"] is None


def test_the_ledger_of_the_repository_is_whole():
    table = read_ledger(ROOT / "methods/published.csv")
    assert len(table) == 289
    assert not table.duplicated().any()


def test_every_published_number_has_a_verdict_and_every_gap_a_reason():
    table = pd.read_csv(ROOT / "reports/reproduction.csv", keep_default_na=False)
    assert len(table) == 289
    assert set(table["verdict"]) <= {"reproduced", "close", "differs", "not run"}
    assert (table.loc[table["verdict"] != "reproduced", "note"] != "").all()
    ours = table["method"].isin(["bicubic", "srcnn"])
    here = ours & table["dataset"].isin(["Set5", "Set14", "BSD100"]) & (table["variant"] != "")
    published = table[ours & table["dataset"].isin(["Set5", "Set14", "BSD100"])]
    not_run = published[published["verdict"] == "not run"]
    assert here.any()
    assert not_run["note"].str.startswith("the weights behind this row were not published").all()


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("33.66", "33,66", "12 fields, expected 11"),
        ("33.66", "33.6x", "value is '33.6x'"),
        (",2,", ",two,", "scale is 'two'"),
        ("srcnn-2015", "srcnn-2016", "did you mean srcnn-2015"),
        ("source,", "origin,", "columns are origin"),
    ],
)
def test_a_damaged_ledger_is_refused(tmp_path, old, new, message):
    path = tmp_path / "published.csv"
    head = ",".join([*COLUMNS, RUN, TRAINED_RUN])
    lines = [head, "p,bicubic,,Set5,2,psnr,33.66,srcnn-2015,,bicubic,"]
    path.write_text("\n".join(lines).replace(old, new))
    with pytest.raises(SrBenchError, match=message):
        read_ledger(path)
