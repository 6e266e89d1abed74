"""Estimates as text; intervals against scipy, tables in print, and their coverage in simulation."""

from dataclasses import astuple

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_equal
from scipy import stats

from twostage.estimates import Estimate, mean_interval, median_interval, rate_interval

MEDIAN = Estimate.of_median(np.array([9.0, 1.0, 8.0, 2.0, 7.0, 3.0, 6.0, 4.0, 5.0]))


@pytest.mark.parametrize(
    "estimate, spec, text",
    [
        (Estimate(0.3450001, 0.31, 0.38, 8, "mean"), "", "0.345 (0.31 to 0.38)"),
        (Estimate(12345.678, 1e-5, 2e7, 8, "mean"), "", "1.235e+04 (1e-05 to 2e+07)"),
        (Estimate(0.3450001, 0.31, 0.38, 8, "mean"), ".2f", "0.35 (0.31 to 0.38)"),
        (Estimate(1.3671, 1.3671, 1.3671, 12, "largest"), "", "1.367"),
        (Estimate.of_rate(24, 40), "", "24 of 40 (0.446 to 0.7365)"),
        (Estimate.of_rate(24, 40), ".2f", "24 of 40 (0.45 to 0.74)"),
        (Estimate.of_rate(0, 0), "", "0 of 0 (0 to 1)"),
        (MEDIAN, "", "5 (2 to 8)"),
        (Estimate.of_median(np.array([3.0, np.inf])), "", "inf (-inf to inf)"),
        (Estimate.of_median(np.array([])), "", "nan (-inf to inf)"),
    ],
)
def test_an_estimate_prints_itself(estimate, spec, text):
    assert format(estimate, spec) == text
    assert spec or str(estimate) == f"{estimate}" == text


@pytest.mark.parametrize("n", [1, 3, 40, 263])
def test_a_rate_prints_the_count_it_was_made_of(n):
    texts = [str(Estimate.of_rate(np.int64(k), np.int64(n))) for k in range(n + 1)]
    assert [text.split(" (")[0] for text in texts] == [f"{k} of {n}" for k in range(n + 1)]


def test_estimates_are_what_their_names_say():
    values = np.array([9.0, 1.0, 8.0, 2.0, 7.0, 3.0, 6.0, 4.0, 15.0])
    median, mean, rate = (
        Estimate.of_median(values),
        Estimate.of_mean(values),
        Estimate.of_rate(9, 10),
    )
    assert median == Estimate(6.0, *median_interval(values), 9, "median")
    assert mean == Estimate(55 / 9, *map(float, mean_interval(values)), 9, "mean")
    assert rate == Estimate(0.9, *rate_interval(9, 10), 10, "rate")


def test_a_run_that_is_nan_leaves_the_median_unknown():
    values = np.array([1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, np.nan])
    assert_equal(astuple(Estimate.of_median(values)), (np.nan, -np.inf, np.inf, 8, "median"))


def test_half_way_between_never_and_always_is_unknown():
    estimate = Estimate.of_median(np.array([np.inf, -np.inf]))
    assert_equal(astuple(estimate), (np.nan, -np.inf, np.inf, 2, "median"))


def test_the_mean_of_one_run_has_no_bounds():
    assert_equal(astuple(Estimate.of_mean(np.array([3.0]))), (3.0, -np.inf, np.inf, 1, "mean"))
    low, high = mean_interval(np.ones((1, 2)))
    assert_equal((low, high), (np.full(2, -np.inf), np.full(2, np.inf)))


def test_mean_interval_is_students():
    values = np.random.default_rng(0).normal(3, 2, 9)
    expected = stats.ttest_1samp(values, 0).confidence_interval(0.9)
    assert_allclose(mean_interval(values, 0.9), expected, rtol=1e-12)


def test_mean_interval_of_each_column():
    table = np.random.default_rng(1).normal(size=(8, 2, 3))
    low, high = mean_interval(table)
    assert low.shape == high.shape == (2, 3)
    assert_allclose((low[1, 2], high[1, 2]), mean_interval(table[:, 1, 2]), rtol=1e-12)


def test_mean_interval_by_hand():
    low, high = mean_interval(np.array([1.0, 2.0, 3.0]))  # mean 2, s.e. 1/sqrt(3), t = 4.303
    assert_allclose((low, high), (2 - 4.3026527 / 3**0.5, 2 + 4.3026527 / 3**0.5), rtol=1e-7)


# Ranks of the 95 % interval for the median, from printed tables of the sign test.
RANKS = {6: (1, 6), 8: (1, 8), 9: (2, 8), 12: (3, 10), 15: (4, 12), 20: (6, 15), 30: (10, 21)}


@pytest.mark.parametrize("n", RANKS)
def test_median_interval_has_the_ranks_in_print(n):
    values = np.random.default_rng(n).permutation(np.arange(1.0, n + 1))
    assert median_interval(values) == RANKS[n]


@pytest.mark.parametrize("n", [6, 7, 11, 40, 101])
@pytest.mark.parametrize("confidence", [0.5, 0.9, 0.95])
def test_median_interval_agrees_with_scipy(n, confidence):
    values = np.random.default_rng(n).exponential(size=n)
    expected = stats.quantile_test(values, p=0.5).confidence_interval(confidence)
    assert median_interval(values, confidence) == (expected.low, expected.high)


def test_few_values_say_nothing_of_their_median():
    assert median_interval(np.array([3.0, 1.0, 2.0, 5.0, 4.0])) == (-np.inf, np.inf)
    assert median_interval(np.array([])) == (-np.inf, np.inf)


def test_median_interval_counts_runs_that_never_arrive_as_latest():
    times = np.array([np.inf, 1.0, 3.0, 2.0, np.inf, 4.0, 5.0, 6.0, 7.0])
    assert median_interval(times) == (2, np.inf)


def test_median_interval_covers_as_often_as_its_ranks_say():
    n, repeats = 12, 4000
    draws = np.random.default_rng(2).exponential(size=(repeats, n))
    hits = sum(low <= np.log(2) <= high for low, high in map(median_interval, draws))
    exact = 1 - 2 * stats.binom.cdf(2, n, 0.5)  # 0.961
    assert abs(hits / repeats - exact) < 4 * np.sqrt(exact * (1 - exact) / repeats)


WILSON = {
    (0, 10): (0.0, 0.2775),
    (5, 10): (0.2366, 0.7634),
    (10, 10): (0.7225, 1.0),
    (81, 263): (0.2553, 0.3662),
}  # the last: Newcombe (1998), table I


@pytest.mark.parametrize("tally", WILSON)
def test_rate_interval_has_the_numbers_in_print(tally):
    assert_allclose(rate_interval(*tally), WILSON[tally], atol=6e-5)


def test_rate_interval_is_wilsons_formula():
    k, n, z = 7, 9, stats.norm.ppf(0.95)
    middle, half = (k + z**2 / 2) / (n + z**2), np.sqrt(k * (n - k) / n + z**2 / 4)
    half *= z / (n + z**2)
    assert_allclose(rate_interval(k, n, 0.9), (middle - half, middle + half), rtol=1e-12)


def test_rate_interval_of_nothing_is_everything():
    assert rate_interval(0, 0) == (0, 1)


def test_rate_interval_covers_95_percent_on_average_over_rates():
    n = 20
    low, high = np.array([rate_interval(k, n) for k in range(n + 1)]).T
    rates = np.linspace(0.005, 0.995, 199)
    inside = (low <= rates[:, None]) & (rates[:, None] <= high)
    coverage = (inside * stats.binom.pmf(np.arange(n + 1), n, rates[:, None])).sum(1)
    assert abs(coverage.mean() - 0.95) < 0.01
    assert coverage.min() > 0.83
