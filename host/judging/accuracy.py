"""How often the float model, int8 in Python and int8 on the device are right: shares, intervals, confusions, pairs.

All arrays have a row for each sample that ran. A party whose predictions are not known is None everywhere.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from tinyproof.host.record.accuracies import Accuracy, AccuracyIntervals, ClassResult, Comparison, Confusions
from tinyproof.statistics import Interval, confusion, mcnemar, wilson

PARTIES = ("float", "int8_host", "int8_device")  # the fields of Accuracy

Classes = NDArray[np.integer]  # (N,) one class for each sample


@dataclass(frozen=True)
class Classified:
    """What each party saw in the samples, and what they are labelled.

    `weights` float (N,): how many samples of the whole set each one stands for; all ones where the whole set ran.
    """

    predicted: Mapping[str, Classes]  # by party
    labels: Classes
    weights: NDArray[np.float64]

    def part(self, rows: NDArray[np.bool_]) -> Classified:
        """Those samples alone."""
        predicted = {party: classes[rows] for party, classes in self.predicted.items()}
        return Classified(predicted, self.labels[rows], self.weights[rows])


def accuracies(samples: Classified) -> Accuracy:
    """Share of samples classified as labelled."""
    return Accuracy(**{party: _share(samples, party) for party in PARTIES})


def accuracy_intervals(samples: Classified) -> AccuracyIntervals:
    """Where those shares lie on other images of the same kind."""
    return AccuracyIntervals(**{party: _interval(samples, party) for party in PARTIES})


def confusions(samples: Classified, classes: int) -> Confusions:
    """Counts [label][predicted] of each party, of the samples that ran."""
    counts = {
        party: confusion(predicted, samples.labels, classes).tolist() for party, predicted in samples.predicted.items()
    }
    return Confusions(**{party: counts.get(party) for party in PARTIES})


def class_results(samples: Classified, names: Sequence[str]) -> list[ClassResult]:
    """One line for each class, in the order of the outputs; none where there is nothing to count."""
    if not samples.predicted:
        return []
    parts = [samples.part(samples.labels == number) for number in range(len(names))]
    return [
        ClassResult(name, len(part.labels), accuracies(part), accuracy_intervals(part))
        for name, part in zip(names, parts, strict=True)
    ]


def comparisons(samples: Classified) -> list[Comparison]:
    """Every two parties on the same samples."""
    results = []
    right = {party: predicted == samples.labels for party, predicted in samples.predicted.items()}
    for first, second in combinations((party for party in PARTIES if party in right), 2):
        only_first = int((right[first] & ~right[second]).sum())
        only_second = int((right[second] & ~right[first]).sum())
        p_value = mcnemar(only_first, only_second)
        results.append(Comparison(first, second, len(samples.labels), only_first, only_second, p_value))
    return results


def _share(samples: Classified, party: str) -> float | None:
    if party not in samples.predicted or len(samples.labels) == 0:
        return None
    return float(np.average(samples.predicted[party] == samples.labels, weights=samples.weights))


def _interval(samples: Classified, party: str) -> Interval | None:
    """Of unequal weights, as many equal ones count as have the same variance: Kish, Survey Sampling (1965)."""
    share = _share(samples, party)
    if share is None:
        return None
    trials = float(samples.weights.sum() ** 2 / (samples.weights**2).sum())
    return wilson(share * trials, trials)
