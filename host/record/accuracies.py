"""The parts of a report about right and wrong answers: of each party, in each class, one party against another.

Every share is 0..1, every interval at INTERVAL_CONFIDENCE.
"""

from __future__ import annotations

from dataclasses import dataclass

from tinyproof.statistics import Interval

Share = float | None


@dataclass(frozen=True)
class Accuracy:
    """Share of test images classified as labelled, 0..1: None where there are no labels or no such party."""

    float: Share
    int8_host: Share
    int8_device: Share


@dataclass(frozen=True)
class AccuracyIntervals:
    """Confidence intervals of an `Accuracy`; None where it is None."""

    float: Interval | None
    int8_host: Interval | None
    int8_device: Interval | None


@dataclass(frozen=True)
class Confusions:
    """Counts [label][predicted class] of each party; None where there are no labels or no predictions of it."""

    float: list[list[int]] | None
    int8_host: list[list[int]] | None
    int8_device: list[list[int]] | None


@dataclass(frozen=True)
class ClassResult:
    """One class: how many of the samples carry its label, and the share of those that each party recognised."""

    name: str
    samples: int
    recall: Accuracy
    recall_interval: AccuracyIntervals


@dataclass(frozen=True)
class Comparison:
    """Two parties (fields of `Accuracy`) on the same labelled samples: McNemar's exact test.

    `p_value`: how often two equally good parties would differ at least this much; small says more than chance.
    """

    first: str
    second: str
    samples: int
    only_first_right: int
    only_second_right: int
    p_value: float


@dataclass(frozen=True)
class Agreement:
    """Samples whose bytes, and those whose class, are the default interpreter's."""

    samples: int
    samples_interval: Interval | None
    classes: int
    classes_interval: Interval | None


@dataclass(frozen=True)
class Classification:
    """More about the accuracies: where they lie, in which classes, against each other. `note`: what to know of them."""

    classes: list[str]
    interval: AccuracyIntervals
    note: str
    comparisons: list[Comparison]
    confusion: Confusions
    per_class: list[ClassResult]
