"""Paired statistics: known values, few images, ties and infinities."""

from itertools import product

import numpy as np
import pytest

from sr_bench.analysis.stats import differences, holm, interval, paired, signed_rank


def rng():
    return np.random.default_rng(1)


def exact_p(values):
    """Two-sided signed-rank p by trying every choice of signs; without ties."""
    ranks = np.argsort(np.argsort(np.abs(values))) + 1
    signs = np.array(list(product([0, 1], repeat=len(values))))
    sums = signs @ ranks
    found = ranks[np.array(values) > 0].sum()
    return min(1.0, 2 * min((sums <= found).mean(), (sums >= found).mean()))


@pytest.mark.parametrize("n", [5, 8, 12])
def test_signed_rank_is_exact_for_few_images(n):
    values = rng().normal(0.3, 1, n)
    assert signed_rank(values) == pytest.approx(exact_p(values))


def test_five_images_that_all_agree_are_not_significant():
    found = paired(np.array([0.02, 0.01, 0.03, 0.025, 0.015]), rng())
    assert (found.won, found.lost, found.tied) == (5, 0, 0)
    assert found.p == found.smallest_p == 2 / 2**5


def test_the_interval_of_many_normal_differences_is_that_of_t():
    values = rng().normal(0.1, 0.2, 100)
    low, high = interval(values, rng())
    reach = 1.984 * values.std(ddof=1) / 10  # t quantile of 99 degrees
    assert low == pytest.approx(values.mean() - reach, abs=0.003)
    assert high == pytest.approx(values.mean() + reach, abs=0.003)


def test_the_interval_of_few_is_wider_than_the_plain_percentile_one():
    values = np.array([-0.05, 0.01, 0.02, 0.04, 0.09])
    means = rng().choice(values, (4000, 5)).mean(axis=1)
    plain = np.percentile(means, [2.5, 97.5])
    low, high = interval(values, rng())
    assert low < plain[0] and high > plain[1]
    assert min(values) <= low and high <= max(values)


def test_the_same_seed_gives_the_same_interval():
    values = rng().normal(size=14)
    assert interval(values, rng()) == interval(values, rng())


def test_infinities_tie_or_win_and_have_no_interval():
    inf = float("inf")
    found = differences(np.array([inf, inf, 30.0]), np.array([inf, 31.0, 31.0]))
    assert found.tolist() == [0, inf, -1]
    result = paired(found, rng())
    assert (result.won, result.lost, result.tied) == (1, 1, 1)
    assert result.mean == inf and np.isnan([result.low, result.high]).all()
    assert np.isnan(paired(np.array([inf, -inf]), rng()).mean)


def test_no_difference_and_one_image():
    same = paired(np.zeros(4), rng())
    assert (same.mean, same.low, same.high, same.tied, same.p) == (0, 0, 0, 4, 1)
    one = paired(np.array([0.5]), rng())
    assert (one.images, one.mean, one.p) == (1, 0.5, 1)
    assert np.isnan([one.low, one.high]).all()


def test_holm_is_that_of_a_textbook_case():
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.2]) == [0.2]
    assert holm([0.6, 0.5]) == [1.0, 1.0]
    assert holm([]) == []
