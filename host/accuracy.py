"""How often the float model, int8 in Python and int8 on the device are right: shares, intervals, confusions, pairs.

All arrays have a row for each sample that ran. A party whose predictions are not known is None everywhere.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from host.report import Accuracy, AccuracyIntervals, ClassResult, Comparison, Confusions, Interval
from host.statistics import confusion, mcnemar, wilson

PARTIES = ("float", "int8_host", "int8_device")  # the fields of Accuracy

Classes = NDArray[np.integer]  # (N,) one class for each sample
Predictions = Mapping[str, Classes]  # by party


def accuracies(predicted: Predictions, labels: Classes) -> Accuracy:
    """Share of samples classified as labelled; labels (N,)."""
    return Accuracy(**{party: _share(predicted.get(party), labels) for party in PARTIES})


def accuracy_intervals(predicted: Predictions, labels: Classes) -> AccuracyIntervals:
    """Where those shares lie on other images of the same kind."""
    return AccuracyIntervals(**{party: _interval(predicted.get(party), labels) for party in PARTIES})


def confusions(predicted: Predictions, labels: Classes, classes: int) -> Confusions:
    """Counts [label][predicted] of each party."""
    return Confusions(
        **{
            party: confusion(predicted[party], labels, classes).tolist() if party in predicted else None
            for party in PARTIES
        }
    )


def class_results(predicted: Predictions, labels: Classes, names: Sequence[str]) -> list[ClassResult]:
    """One line for each class, in the order of the outputs."""
    results = []
    for number, name in enumerate(names):
        its = labels == number
        of_class = {party: classes[its] for party, classes in predicted.items()}
        results.append(
            ClassResult(
                name, int(its.sum()), accuracies(of_class, labels[its]), accuracy_intervals(of_class, labels[its])
            )
        )
    return results


def comparisons(predicted: Predictions, labels: Classes) -> list[Comparison]:
    """Every two parties on the same samples."""
    results = []
    for first, second in combinations((party for party in PARTIES if party in predicted), 2):
        right, also_right = predicted[first] == labels, predicted[second] == labels
        only_first, only_second = int((right & ~also_right).sum()), int((also_right & ~right).sum())
        p_value = mcnemar(only_first, only_second)
        results.append(Comparison(first, second, len(labels), only_first, only_second, p_value))
    return results


def _share(predicted: Classes | None, labels: Classes) -> float | None:
    return None if predicted is None or len(labels) == 0 else float(np.mean(predicted == labels))


def _interval(predicted: Classes | None, labels: Classes) -> Interval | None:
    return None if predicted is None else wilson(int((predicted == labels).sum()), len(labels))
