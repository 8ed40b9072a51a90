"""Intervals, paired tests and the early stop, held against published values, brute force and simulation."""

from __future__ import annotations

from fractions import Fraction
from math import comb

import numpy as np
import pytest

from tinyproof.host.judging.accuracy import Classified, accuracies, accuracy_intervals
from tinyproof.host.stopping import StoppingRule, confidence_bounds, margins
from tinyproof.statistics import Interval, confusion, mcnemar, summarize_latency, wilson

# Newcombe, Two-sided confidence intervals for the single proportion, Statistics in Medicine 17 (1998), table I, row 3.
NEWCOMBE = [
    (81, 263, 0.2553, 0.3662),
    (15, 148, 0.0624, 0.1605),
    (0, 20, 0.0000, 0.1611),
    (1, 29, 0.0061, 0.1718),
]


@pytest.mark.parametrize("successes, trials, low, high", NEWCOMBE)
def test_wilsons_interval_is_the_published_one(successes, trials, low, high):
    interval = wilson(successes, trials)
    assert (round(interval.low, 4), round(interval.high, 4)) == (low, high)


@pytest.mark.parametrize("trials", [1, 7, 359, 10_000])
def test_wilsons_interval_holds_the_share_and_stays_within_0_and_1(trials):
    assert wilson(0, trials).low == 0.0 and wilson(trials, trials).high == 1.0
    for successes in {0, 1, trials // 3, trials - 1, trials}:
        interval = wilson(successes, trials)
        assert 0 <= interval.low <= successes / trials <= interval.high <= 1
    assert wilson(0, 0) is None


def test_mcnemars_p_value_is_the_sum_of_the_binomial_tails():
    # Agresti, Categorical Data Analysis, table 10.1 (approval ratings): 150 against 86, exact p = 3.716e-05.
    assert mcnemar(86, 150) == pytest.approx(3.716e-05, rel=1e-3)
    assert mcnemar(0, 0) == 1.0
    for first in range(8):
        for second in range(8):
            count = first + second
            as_far = [k for k in range(count + 1) if abs(2 * k - count) >= abs(first - second)]
            exact = Fraction(sum(comb(count, k) for k in as_far), 2**count)
            assert mcnemar(first, second) == mcnemar(second, first) == pytest.approx(float(exact))


def test_mcnemar_of_many_samples_is_still_a_number():
    assert 0 < mcnemar(4_800, 5_200) < 1e-4
    assert mcnemar(0, 10_000) == 0.0


def test_a_confusion_counts_every_sample_once_under_its_label():
    generator = np.random.default_rng(1)
    labels, predicted = generator.integers(0, 4, 300), generator.integers(0, 4, 300)
    counts = confusion(predicted, labels, 4)
    assert counts.sum() == 300
    for label in range(4):
        for guess in range(4):
            assert counts[label, guess] == ((labels == label) & (predicted == guess)).sum()


def test_a_latency_summary_counts_every_inference():
    ticks = np.random.default_rng(1).integers(1000, 5000, 777)
    latency = summarize_latency(ticks, 5, 8, "instructions")
    assert sum(latency.counts) == latency.inferences == 777
    assert len(latency.edges) == len(latency.counts) + 1 <= 41
    values = np.sort(ticks * 5 / 8)
    assert (latency.minimum, latency.maximum) == (values[0], values[-1]) == (latency.edges[0], latency.edges[-1])
    assert latency.median == values[388] and values[737] <= latency.p95 <= values[739] <= latency.p99
    assert latency.mean == pytest.approx(values.mean())


def test_a_latency_that_never_varies_is_one_bin():
    latency = summarize_latency(np.full(10, 64), 5, 8, "instructions")
    assert latency.counts == [10] and latency.edges[0] < latency.minimum == latency.maximum == 40 < latency.edges[1]
    assert summarize_latency(np.array([], np.int64), 1, 1, "cycles") is None


def test_a_margin_is_the_distance_of_the_two_largest_outputs():
    outputs = np.array([[-128, 127, 0], [5, 5, 5], [-128, -128, -127]], np.int8)
    assert margins(outputs).tolist() == [127, 0, 1]
    assert margins(outputs[:, :1]).tolist() == [0, 0, 0]


@pytest.mark.parametrize("population, drawn, different", [(20, 0, 0), (20, 7, 0), (20, 7, 3), (20, 20, 4), (15, 14, 1)])
def test_bounds_keep_exactly_the_totals_that_the_ratio_does_not_exclude(population, drawn, different):
    """Brute force: the probability of the draws, from counting; the prior's, from the likelihood under it."""

    def likelihood(total):
        if not different <= total <= population - (drawn - different):
            return 0.0
        return comb(population - drawn, total - different) / comb(population, total)

    low, high = confidence_bounds(population, drawn, different, 0.9)
    # Of the prior: one half no sample, one half a beta-binomial(1, 99), whose weights follow from its draws.
    weight = np.array(
        [comb(population, k) * _beta(1 + k, 99 + population - k) / _beta(1, 99) for k in range(population + 1)]
    )
    prior = 0.5 * weight
    prior[0] += 0.5
    evidence = sum(prior[total] * likelihood(total) for total in range(population + 1))
    kept = [total for total in range(population + 1) if likelihood(total) > 0 and evidence / likelihood(total) < 10]
    assert (low, high) == (kept[0], kept[-1]) and kept == list(range(low, high + 1))


def _beta(a, b):
    from math import exp, lgamma

    return exp(lgamma(a) + lgamma(b) - lgamma(a + b))


def test_bounds_are_exact_once_everything_was_drawn():
    for different in (0, 1, 7):
        assert confidence_bounds(500, 500, different) == (different, different)


@pytest.mark.parametrize("total", [0, 1, 5, 30])
def test_looking_after_every_draw_is_wrong_no_more_often_than_promised(total):
    """100 runs that look all the time, at 90 %: fewer than 1 in 10 may ever exclude the truth."""
    generator, population, missed = np.random.default_rng(total), 400, 0
    for _ in range(100):
        draws = np.cumsum(generator.permutation(np.arange(population) < total))
        missed += any(
            not low <= total <= high
            for n in range(1, population + 1, 3)
            for low, high in [confidence_bounds(population, n, int(draws[n - 1]), 0.9)]
        )
    assert missed <= 10 + 3 * np.sqrt(100 * 0.1 * 0.9)


@pytest.fixture
def golden():
    return np.random.default_rng(2).integers(-128, 128, (4000, 10), np.int8)


def test_a_run_that_finds_no_difference_ends_early_and_claims_what_it_may(golden):
    rule = StoppingRule(golden)
    for count, sample in enumerate(rule.order, 1):  # noqa: B007
        if rule.observe(sample, golden[sample].tobytes()):
            break
    sure = rule.result()
    assert sure.reached and count < 1200
    assert (sure.low_margin, sure.low_margin + sure.drawn) == (80, count)
    assert sure.rate.low == 0 and sure.rate.high < 0.005
    assert set(np.argsort(margins(golden), kind="stable")[:80]) == set(rule.order[:80])


def test_a_run_with_too_many_differences_never_ends_early(golden):
    rule = StoppingRule(golden)
    wrong = set(rule.order[100::150])  # 0.67 %
    for sample in rule.order:
        assert not rule.observe(sample, bytes(10) if sample in wrong else golden[sample].tobytes())
    sure = rule.result()
    assert not sure.reached and sure.drawn_different == len(wrong)
    assert sure.rate == Interval(len(wrong) / 4000, len(wrong) / 4000)


def test_differences_among_the_least_certain_count_once_and_not_as_draws(golden):
    rule = StoppingRule(golden)
    for sample in rule.order[:80]:
        rule.observe(sample, bytes(10))
    assert (rule.result().low_margin_different, rule.result().drawn_different) == (80, 0)
    for sample in rule.order[80:]:
        assert not rule.observe(sample, golden[sample].tobytes())  # 2 % of all differ, whatever the rest does
    assert rule.result().rate == Interval(0.02, 0.02)


def test_only_the_gap_free_beginning_of_the_order_counts(golden):
    rule = StoppingRule(golden)
    late = rule.order[90]
    for sample in rule.order[:3000]:
        if sample != late:
            assert not rule.observe(sample, golden[sample].tobytes())
    assert rule.result().drawn == 10
    assert rule.observe(late, golden[late].tobytes())
    assert rule.result().drawn == 2920


def test_weights_of_a_part_add_up_to_the_whole(golden):
    rule = StoppingRule(golden)
    ran = sorted(rule.order[:1000])
    weights = rule.weights(ran)
    assert weights.sum() == pytest.approx(4000)
    assert (weights == 1).sum() == 80 and weights.max() == pytest.approx(3920 / 920)
    assert (rule.weights(sorted(rule.order)) == 1).all()


def test_a_share_of_weighted_samples_is_that_of_the_whole(golden):
    """Half of the least certain are wrong and none of the others: 1 % of all, not 4 % of those that ran."""
    rule = StoppingRule(golden)
    ran = rule.order[:1000]
    wrong = np.arange(1000) < 40
    classified = Classified({"int8_device": wrong.astype(int)}, np.zeros(1000, int), rule.weights(ran))
    assert accuracies(classified).int8_device == pytest.approx(0.99)
    interval = accuracy_intervals(classified).int8_device
    assert 0.97 < interval.low < 0.99 < interval.high < 1
    equal = Classified(classified.predicted, classified.labels, np.ones(1000))
    assert accuracy_intervals(equal).int8_device == wilson(960, 1000)


def test_the_order_has_every_sample_once_and_depends_on_the_golden_alone(golden):
    order = StoppingRule(golden).order
    assert sorted(order) == list(range(4000)) and StoppingRule(golden).order == order
