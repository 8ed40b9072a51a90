"""How sure a validation may be of its shares: intervals, paired tests, confusion counts and the spread of latencies.

Pure functions of counts and numpy arrays, each with the source of its formula. The sequential test that lets a run stop
early is in host/stopping.py.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import comb, sqrt
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

INTERVAL_CONFIDENCE = 0.95
HISTOGRAM_BINS = 40
FEW = 100  # test pictures

Ints = NDArray[np.integer]


@dataclass(frozen=True)
class Interval:
    """Where a share lies, judged from a sample of images."""

    low: float
    high: float


@dataclass(frozen=True)
class Latency:
    """How long single inferences took, in `unit` (instructions, cycles or nanoseconds).

    `counts[i]` inferences took from `edges[i]` to below `edges[i + 1]`; the last bin includes its upper edge.
    """

    unit: str
    inferences: int
    minimum: float
    median: float
    p95: float
    p99: float
    maximum: float
    mean: float
    edges: list[float]
    counts: list[int]


def wilson(successes: float, trials: float, confidence: float = INTERVAL_CONFIDENCE) -> Interval | None:
    """The interval for a share; None without trials.

    Wilson, Probable inference, the law of succession, and statistical inference, JASA 22 (1927): the shares p for which
    the observed one is within z standard errors of p. Stays in [0, 1] and works at 0 and 1.
    """
    if trials == 0:
        return None
    z = NormalDist().inv_cdf((1 + confidence) / 2)
    share = successes / trials
    spread = 1 + z * z / trials
    centre = (share + z * z / (2 * trials)) / spread
    half = z / spread * sqrt(share * (1 - share) / trials + z * z / (4 * trials * trials))
    # Exactly 0 and 1 at the ends, where the formula says so and floating point nearly does.
    return Interval(
        0.0 if successes == 0 else max(0.0, centre - half),
        1.0 if successes == trials else min(1.0, centre + half),
    )


def few_pictures(count: int) -> str:
    """A caution for accuracies on so few test pictures; empty where there are enough.

    Of 100, an accuracy of 90 % is known to some 6 points.
    """
    if count >= FEW:
        return ""
    return f"Caution: {count} test pictures are few: an accuracy on them may be off by tens of points; add pictures."


def mcnemar(only_first: int, only_second: int) -> float:
    """How often two equally good classifiers would differ at least this unevenly: the exact two-sided p-value.

    McNemar, Psychometrika 12 (1947), in the binomial form: of the samples that only one of the two gets right, each
    would be the first's with probability 1/2.
    """
    discordant = only_first + only_second
    tail = sum(comb(discordant, k) for k in range(min(only_first, only_second) + 1))
    return min(1.0, 2 * tail / (1 << discordant))


def confusion(predicted: Ints, labels: Ints, classes: int) -> NDArray[np.int64]:
    """Counts (classes,classes): [label][predicted]; predicted and labels (N,)."""
    counts = np.zeros((classes, classes), np.int64)
    np.add.at(counts, (labels, predicted), 1)
    return counts


def summarize_latency(ticks: Ints, numerator: int, denominator: int, unit: str) -> Latency | None:
    """The spread of single inferences in the counter's unit = ticks * numerator / denominator; None without any."""
    if len(ticks) == 0:
        return None
    values = ticks.astype(np.float64) * numerator / denominator
    low, high = float(values.min()), float(values.max())
    # A counter has a step; bins narrower than it would be a comb.
    bins = int(np.clip((high - low) * denominator / numerator, 1, HISTOGRAM_BINS))
    counts, edges = np.histogram(values, bins=bins, range=(low, high) if high > low else (low - 0.5, low + 0.5))
    median, p95, p99 = (float(value) for value in np.quantile(values, (0.5, 0.95, 0.99)))
    return Latency(
        unit=unit,
        inferences=len(values),
        minimum=low,
        median=median,
        p95=p95,
        p99=p99,
        maximum=high,
        mean=float(values.mean()),
        edges=[float(edge) for edge in edges],
        counts=[int(count) for count in counts],
    )
