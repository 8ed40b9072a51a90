"""The second verdict: is the model good enough to use? Beside *equal*, and neither hides the other.

An equal device computes a useless model exactly. What decides: the accuracy on the device against always naming the
most frequent class, the class that is recognised worst, and how many pictures all this rests on.
"""

from __future__ import annotations

from dataclasses import dataclass

from tinyproof.host.record.report import Report
from tinyproof.page import Kind
from tinyproof.statistics import few_pictures

POOR_RECALL = 0.5
UNEVEN = 3  # times as many samples of one class as of another


@dataclass(frozen=True)
class Usefulness:
    """The verdict in a word and a sentence, and what to know of it."""

    kind: Kind
    word: str
    text: str
    grounds: list[str]


def usefulness(report: Report) -> Usefulness | None:
    """None where there are no labels, so that nobody can tell."""
    accuracy = report.accuracy.int8_device
    classes = [one for one in report.classification.per_class if one.samples]
    if accuracy is None or len(classes) < 2:
        return None
    most = max(classes, key=lambda one: one.samples)
    least = min(classes, key=lambda one: one.samples)
    majority = most.samples / sum(one.samples for one in classes)
    interval = report.classification.interval.int8_device
    around = f" (95% interval {interval.low:.1%} to {interval.high:.1%})" if interval else ""
    text = (
        f"Right on {accuracy:.1%} of the test pictures{around}; always saying '{most.name}' would be on {majority:.1%}."
    )
    few = few_pictures(report.samples)
    grounds = [few] if few else []
    if most.samples > UNEVEN * least.samples:
        grounds.append(
            f"The classes are uneven: {most.samples:,} of '{most.name}', {least.samples:,} of '{least.name}'; look at "
            "each class's recall rather than at the accuracy."
        )
    worst = min(classes, key=lambda one: _recall(one.recall.int8_device))
    recall = _recall(worst.recall.int8_device)
    if recall < POOR_RECALL:
        grounds.append(f"Of '{worst.name}' it recognises {recall:.0%} of {worst.samples:,}.")
    if interval is None or interval.low <= majority:
        if few and accuracy > majority:
            return Usefulness("unsure", "Too few pictures", f"They do not tell it from guessing. {text}", grounds)
        return Usefulness("bad", "Not good enough", f"Hardly better than guessing. {text}", grounds)
    if grounds:
        return Usefulness("unsure", "Use with caution", text, grounds)
    return Usefulness("good", "Better than guessing", text, grounds)


def _recall(share: float | None) -> float:
    return 1.0 if share is None else share
