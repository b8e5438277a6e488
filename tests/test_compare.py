"""`sr-bench compare`: verdicts, refusals to mix, and the tables' daggers."""

import gzip
import json
import sys

import numpy as np
import pandas as pd
import pytest

from sr_bench.analysis.best import not_worse
from sr_bench.analysis.compare import choose, compare, load_runs
from sr_bench.cli import main
from sr_bench.cli.compare import sentence
from sr_bench.evaluation.scoring.table import CELL_COLUMNS
from sr_bench.support.errors import SrBenchError, WrongUse


def rows(run, values, **given):
    """Per-image rows of one cell."""
    row = {
        "run": run,
        "method": run,
        "variant": "",
        "weights": "none",
        "scale": 2,
        "dataset": "Set5",
        "protocol": "edsr-2017",
        "metric": "psnr",
        "signature": "protocol:edsr-2017",
    } | given
    names = [f"im{i:03}" for i in range(len(values))]
    return pd.DataFrame([row | {"image": n, "value": v} for n, v in zip(names, values)])


def base(n, seed=3):
    return np.random.default_rng(seed).normal(30, 3, n)


def noise(n, mean, spread=0.1):
    return np.random.default_rng(n).normal(mean, spread, n)


def verdict(first, second, **given):
    table = pd.concat([rows("a", first, **given), rows("b", second, **given)], ignore_index=True)
    (found,) = compare(table, "a")
    return found


def test_a_small_win_on_five_images_is_noise_and_said_so():
    step = np.array([0.09, -0.06, 0.05, 0.04, -0.02])
    found = verdict(base(5) + step, base(5))
    assert found.verdict == "noise"
    assert found.paired.mean == pytest.approx(0.02)
    assert "+0.0200 is noise on 5 images" in sentence(found)
    assert "p could not be below 0.062" in sentence(found)


def test_the_same_win_on_many_images_is_one():
    step = noise(100, 0.02, 0.02)
    assert verdict(base(100) + step, base(100)).verdict == "better"
    assert verdict(base(100), base(100) + step).verdict == "worse"


def test_five_images_that_agree_are_unproven():
    found = verdict(base(5) + 3, base(5))
    assert found.verdict == "unproven"
    assert "not shown; 5 images can't show more" in sentence(found)


def test_many_small_wins_and_a_few_large_losses_are_mixed():
    step = np.full(40, 0.01)
    step[:4] = -0.3
    assert verdict(base(40) + step, base(40)).verdict == "mixed"


@pytest.mark.parametrize(("metric", "expected"), [("lpips", "worse"), ("ssim", "better")])
def test_a_distance_is_better_when_it_is_smaller(metric, expected):
    found = verdict(base(30) + 0.1, base(30), metric=metric)
    assert found.verdict == expected


def test_ties_one_image_and_identical_images():
    assert verdict(base(5), base(5)).verdict == "equal"
    assert verdict([30.0], [29.0]).verdict == "noise"
    inf = float("inf")
    found = verdict([inf, *(base(9) + 1)], [inf, *base(9)])
    assert (found.paired.tied, found.verdict) == (1, "better")
    assert verdict([inf, *(base(9) + 1)], [40.0, *base(9)]).verdict == "better"


INF = float("inf")


def losing(n, *infinite):
    """1 dB below the base on every image but those of the given numbers, which are identical."""
    values = base(n) - 1 + noise(n, 0, 0.1)
    values[list(infinite)] = INF
    return values


@pytest.mark.parametrize("infinite", [(7,), (0, 19)])
def test_identical_images_do_not_outweigh_the_images_that_were_lost(infinite):
    found = verdict(losing(20, *infinite), base(20))
    assert (found.verdict, found.paired.won) == ("worse", len(infinite))
    assert "worse by ranks alone" in sentence(found) and "so there is no mean" in sentence(found)
    assert verdict(base(20), losing(20, *infinite)).verdict == "better"


def test_an_infinite_win_among_wins_is_better_and_among_both_ways_noise():
    assert verdict([INF, *(base(19) + 1)], [40.0, *base(19)]).verdict == "better"
    both_ways = base(8) + np.array([1, -1, 0.5, -0.5, 2, -2, 0.1, -0.1])
    found = verdict([INF, *both_ways], [40.0, *base(8)])
    assert found.verdict == "noise"
    assert "this is noise on 9 images by ranks alone" in sentence(found)
    assert verdict([INF, *(base(4) + 1)], [40.0, *base(4)]).verdict == "unproven"
    assert verdict([INF], [30.0]).verdict == "noise"
    assert verdict([INF, INF], [INF, INF]).verdict == "equal"


def test_opposite_infinities_are_one_rank_each():
    assert verdict(losing(20, 3, 4, 5, 6), base(20)).verdict == "noise"  # four highest ranks
    found = verdict([INF, 30.0, *(base(18) - 1)], [30.0, INF, *base(18)])
    assert (found.verdict, found.paired.won, found.paired.lost) == ("worse", 1, 19)


def test_infinite_cells_are_never_the_best_and_have_no_dagger():
    parts = [rows("perfect", losing(14, 3)), rows("best", base(14)), rows("far", base(14) - 2)]
    marks = not_worse(pd.concat(parts, ignore_index=True))
    key = ("Set5", "edsr-2017", "psnr")
    assert marks == {("far", *key): False}
    assert not_worse(rows("perfect", losing(14, 3))) == {}


def test_p_values_are_corrected_for_all_runs():
    parts = [rows("a", base(14) + 0.1)] + [rows(r, base(14) + noise(14, 0.04)) for r in "bcd"]
    alone = compare(pd.concat([parts[0], parts[1]], ignore_index=True), "a")[0]
    many = compare(pd.concat(parts, ignore_index=True), "a")
    assert [c.compared for c in many] == [3, 3, 3]
    assert {c.other for c in many} == {"b", "c", "d"}
    assert many[0].p_holm > alone.p_holm == alone.paired.p


# What may not be mixed


def chosen(*parts, protocol=None, metric="psnr", dataset=None):
    table = pd.concat(parts, ignore_index=True)
    return choose(table, protocol=protocol, metric=metric, dataset=dataset)


def test_scales_and_protocols_are_never_mixed():
    with pytest.raises(WrongUse, match=r"2 scales: a \(x2\), b \(x3\); compare those of one"):
        chosen(rows("a", base(5)), rows("b", base(5), scale=3))
    with pytest.raises(WrongUse, match="share no protocol"):
        chosen(rows("a", base(5)), rows("b", base(5), protocol="srcnn-2015"))
    both = [rows(r, base(5), protocol=p) for r in "ab" for p in ("edsr-2017", "srcnn-2015")]
    with pytest.raises(WrongUse, match="share 2 protocols: edsr-2017, srcnn-2015; name one"):
        chosen(*both)
    assert set(chosen(*both, protocol="srcnn-2015")["protocol"]) == {"srcnn-2015"}
    with pytest.raises(WrongUse, match="unknown metric 'ssim'"):
        chosen(rows("a", base(5)), rows("b", base(5)), metric="ssim")


def test_other_signatures_images_and_nan_are_refused():
    one, other = rows("a", base(5)), rows("b", base(5))
    for second, fact in (
        (other.assign(signature="other"), "would mix 2 signatures"),
        (other[1:], "Set5: b has no score of im000"),
        (other.assign(value=float("nan")), "b: psnr of Set5/im000 is NaN"),
        (other.assign(dataset="Set14"), "no dataset has scores of all"),
    ):
        with pytest.raises(SrBenchError, match=fact):
            compare(pd.concat([one, second], ignore_index=True), "a")


# The dagger


def test_not_worse_marks_what_the_best_does_not_beat():
    strong = [rows(r, base(14) + d) for r, d in (("best", 0.1), ("far", -2))]
    near = rows("near", base(14) + 0.1 + np.tile([0.05, -0.06], 7))
    marks = not_worse(pd.concat([*strong, near], ignore_index=True))
    key = ("Set5", "edsr-2017", "psnr")
    assert marks == {("far", *key): False, ("near", *key): True}


def test_not_worse_on_five_images_asks_whether_every_image_is_worse():
    parts = [rows("best", base(5)), rows("all", base(5) - 1)]
    some = rows("some", base(5) - [1, 1, 1, 1, -0.5])
    marks = not_worse(pd.concat([*parts, some], ignore_index=True))
    assert {k[0]: v for k, v in marks.items()} == {"all": False, "some": True}


def test_not_worse_keeps_scales_apart_and_leaves_other_images_out():
    parts = [rows("a", base(8)), rows("b", base(8) + 1, scale=3), rows("c", base(5) - 1)]
    assert not_worse(pd.concat(parts, ignore_index=True)) == {}


# The command


@pytest.fixture
def reported(project):
    """A project whose reports hold three runs."""
    parts = [rows("a", base(6) + 1), rows("b", base(6)), rows("c", base(6), scale=3)]
    table = pd.concat(parts, ignore_index=True).assign(images=6)[[*CELL_COLUMNS, "image"]]
    folder = project / "reports"
    folder.mkdir()
    (folder / "per_image.csv.gz").write_bytes(gzip.compress(table.to_csv(index=False).encode()))
    return project


@pytest.fixture
def cli(monkeypatch, capsys, reported):
    def run(*words, status=0):
        monkeypatch.chdir(reported)
        monkeypatch.setattr(sys, "argv", ["sr-bench", "compare", *words])
        with pytest.raises(SystemExit) as ended:
            main()
        out, err = capsys.readouterr()
        assert (ended.value.code or 0) == status, err
        return out + err

    return run


def test_the_command_prints_verdict_interval_and_signature(cli):
    out = cli("a", "b", "--images")
    for fact in ("a minus b", "6 of 6", "better", "signature: protocol:edsr-2017", "im005"):
        assert fact in out
    (facts,) = json.loads(cli("a", "b", "--json"))
    assert facts["verdict"] == "better" and facts["by_image"]["im000"] == pytest.approx(1)
    assert (facts["images"], facts["won"], facts["p"]) == (6, 6, 2 / 2**6)


def test_the_command_shows_no_mean_where_an_image_is_identical(cli, reported):
    parts = [rows("a", losing(12, 2)), rows("b", base(12))]
    table = pd.concat(parts, ignore_index=True).assign(images=12)[[*CELL_COLUMNS, "image"]]
    path = reported / "reports" / "per_image.csv.gz"
    path.write_bytes(gzip.compress(table.to_csv(index=False).encode()))
    assert "1 difference is infinite (im002)" in cli("a", "b", "--images")
    (facts,) = json.loads(cli("a", "b", "--json"))
    assert facts["mean"] is facts["low"] is None
    assert facts["by_image"]["im002"] == "inf" and facts["verdict"] == "worse"


def test_the_command_refuses_wrong_use(cli):
    assert "2 scales: a (x2), c (x3)" in cli("a", "c", status=2)
    assert "unknown run 'aa'" in cli("aa", "b", status=2)
    assert "a is named 2 times" in cli("a", "a", status=2)
    assert "compare needs two runs" in cli("a", status=2)


def test_a_run_that_no_report_holds_is_read_from_its_scores(reported):
    scored = rows("new", base(6))[[*CELL_COLUMNS[:8], "image", "value", "signature"]]
    path = reported / "build" / "scores" / "new.csv"
    path.parent.mkdir(parents=True)
    scored.to_csv(path, index=False)
    assert set(load_runs(reported, ["a", "new"])["run"]) == {"a", "new"}
    path.write_text("run,value\n")
    with pytest.raises(SrBenchError, match="columns are run, value; expected run, method"):
        load_runs(reported, ["a", "new"])
