"""Ranks of runs, and how sure they are."""

import json
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from sr_bench.analysis.ranks import critical_difference, images_needed, probability, rank
from sr_bench.support.errors import SrBenchError, WrongUse


def table(dataset="Set5", **values):
    """Rows of per_image.csv: a run's values on images i0, i1, ..."""
    return pd.DataFrame(
        [
            (run, 2, dataset, "p", "psnr", f"i{i}", value, "s")
            for run, column in values.items()
            for i, value in enumerate(column)
        ],
        columns=["run", "scale", "dataset", "protocol", "metric", "image", "value", "signature"],
    )


def test_ranks_by_hand():
    (found,) = rank(table(a=[30, 31, 32], b=[31, 30, 33], c=[29, 29, 29]))
    assert found.ranks == pytest.approx({"b": 4 / 3, "a": 5 / 3, "c": 3.0})
    assert found.friedman_p == pytest.approx(stats.chi2.sf(14 / 3, 2))
    assert [(pair.first, pair.second) for pair in found.pairs] == [("b", "a"), ("a", "c")]
    assert found.pairs[0].difference == pytest.approx(1 / 3)
    (every,) = rank(table(a=[30, 31, 32], b=[31, 30, 33], c=[29, 29, 29]), every=True)
    assert len(every.pairs) == 3


def test_of_a_distance_the_least_is_first():
    rows = table(a=[0.1, 0.2], b=[0.2, 0.3], c=[0.3, 0.4]).assign(metric="lpips")
    assert list(rank(rows)[0].ranks) == ["a", "b", "c"]


def test_the_probability_is_that_of_the_bootstrap():
    assert probability(np.array([1.0, 2.0])) == 1.0
    assert probability(np.array([1.0, -1.0])) == pytest.approx(0.5, abs=0.02)
    # of three draws of (2, -1, -1) the sum is above zero unless two or three of them are -1
    # and the third can't make up: sums 6, 3, 0, -3 with 1/27, 6/27, 12/27, 8/27; ties half
    assert probability(np.array([2.0, -1.0, -1.0])) == pytest.approx(13 / 27, abs=0.02)


def test_the_images_that_it_would_take():
    differences = np.array([0.0, 0.2])  # mean 0.1, deviation 0.1414
    assert images_needed(differences) == int(np.ceil((1.6449 * np.sqrt(2)) ** 2))
    assert images_needed(np.array([1.0, -1.0])) is None
    assert images_needed(np.array([0.5, 0.5])) == 1


def test_the_critical_difference_is_that_of_demsar():
    # Demsar 2006, table 5: q is 2.569 for 4 methods; section 3.2.2 gives CD 1.25 for 14 data sets
    assert critical_difference(4, 14) == pytest.approx(1.25, abs=0.005)


def test_what_can_not_be_ranked():
    with pytest.raises(WrongUse, match="three runs or more"):
        rank(table(a=[1, 2], b=[2, 3]))
    with pytest.raises(SrBenchError, match="infinite"):
        rank(table(a=[1, 2], b=[2, np.inf], c=[3, 4]))
    with pytest.raises(SrBenchError, match="has no score of i1"):
        rank(table(a=[1, 2], b=[2], c=[3, 4]))


def test_the_diagram_needs_and_uses_scikit_posthocs(tmp_path):
    pytest.importorskip("scikit_posthocs", reason="pip install 'sr-bench[ranks]'")
    from sr_bench.cli.rank import _diagrams

    (found,) = rank(table(a=[3, 3, 3], b=[2, 2, 2], c=[1, 1, 1]), nemenyi=True)
    assert found.nemenyi.loc["a", "a"] == 1 and found.nemenyi.loc["a", "c"] < 0.05
    files = _diagrams([found], tmp_path / "figures")
    assert [path.name for path in files] == ["ranks-Set5.pdf", "ranks-Set5.svg"]
    assert all(path.stat().st_size > 1000 for path in files)


def test_the_command(cli, monkeypatch):
    rows = table(a=[30, 31, 32], b=[31, 30, 33], c=[29, 29, 29])
    monkeypatch.setattr("sr_bench.analysis.compare.load_runs", lambda root, runs: rows)
    monkeypatch.setattr("sr_bench.cli.rank.require_project", lambda: SimpleNamespace(root=None))
    facts = json.loads(cli(["rank", "a", "b", "c", "--json"])[0])["datasets"][0]
    assert facts["ranks"]["c"] == 3 and facts["pairs"][1]["probability"] == 1
    assert facts["pairs"][1]["images_needed"] >= 1
    shown = cli(["rank", "a", "b", "c"])[0]
    assert "Friedman p" in shown and "Nemenyi" in shown
