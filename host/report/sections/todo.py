"""What a weak model confuses, and what would help: only what the figures of the run and of its training say."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tinyproof import advice
from tinyproof.host.record.report import Report
from tinyproof.host.report.sections.words import count
from tinyproof.model_files import TrainingRecord
from tinyproof.page import Section, bullets

WEAK = 0.9  # accuracies below it have something to be done about
PAIRS = 3
OFTEN = 0.1  # of all errors: a pair that is confused less often is none to name
FEW = 0.5  # of the samples that a class has on average
FAR_BEHIND = 0.1  # a recall below the accuracy, or an accuracy on other pictures below that on training's
FAVOURED = 1.5  # times as often the answer as the label
RISING = 0.005  # of the validation's accuracy, from one tenth of the epochs to the next
SURPRISING = 0.01
NO_RECORD = (
    "The folder holds no record of the training, so nobody can say here whether longer training, a larger network or "
    "more pictures would help most: compare its accuracy on its own training pictures with the one above. If it is far "
    "higher there, more pictures help; if it is as low, a larger network, a larger input or longer training."
)


@dataclass(frozen=True)
class Remedies:
    """Sentences: what is confused with what, and what to do, each with the figures that it follows from."""

    confused: list[str]
    advice: list[str]


def remedies(report: Report, record: TrainingRecord | None, sides: tuple[int, ...]) -> Remedies | None:
    """None where the model is not weak, or nobody knows. `sides`: height and width of its picture, in pixels."""
    accuracy, matrix = report.accuracy.int8_device, report.classification.confusion.int8_device
    if accuracy is None or matrix is None or accuracy >= WEAK:
        return None
    counts, names = np.array(matrix), report.classification.classes
    if counts.sum() == np.trace(counts):
        return None
    todo = [*(_favoured(counts, names) or _alike(names)), *_few(counts, names, accuracy), *_of_int8(report)]
    todo += _of_training(record, sides) if record else [NO_RECORD]
    return Remedies(_confused(counts, names), todo)


def add_todo(section: Section, found: Remedies) -> None:
    """Both lists."""
    section.add(bullets(found.confused))
    if found.advice:
        section.sub("What to do")
        section.add(bullets(found.advice))


def _confused(counts: np.ndarray, names: list[str]) -> list[str]:
    """The pairs of classes that make most errors."""
    errors = counts - np.diag(np.diag(counts))
    both = np.triu(errors + errors.T)
    found = []
    for place in np.argsort(-both, axis=None, kind="stable")[:PAIRS]:
        first, second = divmod(int(place), len(names))
        if both[first, second] < max(OFTEN * errors.sum(), 2):
            continue
        ways = [
            f"'{names[a]}' is taken for '{names[b]}' in {errors[a, b]:,} of {count(int(counts[a].sum()), 'sample')}"
            for a, b in ((first, second), (second, first))
            if errors[a, b]
        ]
        found.append(f"{'; '.join(ways)}: {both[first, second] / errors.sum():.0%} of all errors.")
    return found or ["No two classes stand out: the errors are spread over many pairs."]


def _alike(names: list[str]) -> list[str]:
    merge = "; or one class for two where the difference does not matter" if len(names) > 2 else ""
    return [f"More pictures of the classes that are confused, above all of those that look alike{merge}."]


def _favoured(counts: np.ndarray, names: list[str]) -> list[str]:
    answers, labels, total = counts.sum(axis=0), counts.sum(axis=1), counts.sum()
    most = int(answers.argmax())
    if answers[most] <= FAVOURED * labels[most] or answers[most] < total * 1.5 / len(names):
        return []
    return [
        f"It answers '{names[most]}' to {answers[most] / total:.0%} of the samples; {labels[most] / total:.0%} are. "
        "Where training has as many pictures of each class, it has not learned to tell them apart."
    ]


def _few(counts: np.ndarray, names: list[str], accuracy: float) -> list[str]:
    """Classes with few samples and a low recall; training's share of them is the test's."""
    samples = counts.sum(axis=1)
    known = samples > 0
    recall = np.diag(counts) / np.maximum(samples, 1)
    rare = known & (samples < FEW * samples[known].mean()) & (recall < accuracy - FAR_BEHIND)
    listed = [f"'{names[i]}' ({samples[i]:,} samples, {recall[i]:.0%} recognised)" for i in np.flatnonzero(rare)]
    if not listed:
        return []
    more = f" and {len(listed) - PAIRS} more" if len(listed) > PAIRS else ""
    return [f"Add pictures of {', '.join(listed[:PAIRS])}{more}: a class has {samples[known].mean():.0f} on average."]


def _of_int8(report: Report) -> list[str]:
    for one in report.classification.comparisons:
        is_worse = one.only_first_right > one.only_second_right and one.p_value < SURPRISING
        if (one.first, one.second) == ("float", "int8_device") and is_worse:
            return [
                f"Int8 costs {one.only_first_right - one.only_second_right:,} of {one.samples:,} samples against "
                "float: look at what int8 costs, above, before training again."
            ]
    return []


def _of_training(record: TrainingRecord, sides: tuple[int, ...]) -> list[str]:
    own, other = (record.history.get(name, []) for name in ("accuracy", "val_accuracy"))
    if not own or len(own) != len(other):
        return []
    trained, validated = own[-1], other[-1]
    on = f"{trained:.0%} of its training pictures in the last epoch and {validated:.0%} of the validation's"
    if trained - validated > FAR_BEHIND:
        augment = f" or {advice.setting('augment', 'light')}" if record.recipe.get("augmentation") == "none" else ""
        return [
            f"Training was right on {on}: it knows them by heart. More pictures{augment} help; longer training does "
            "not."
        ]
    tenth = max(len(other) // 10, 1)
    if len(other) > tenth and np.mean(other[-tenth:]) - np.mean(other[-2 * tenth : -tenth]) > RISING:
        longer = advice.setting("epochs", 2 * record.epochs_run)
        return [f"Training was right on {on}, and still getting better after epoch {record.epochs_run}: {longer}."]
    if trained < WEAK:
        height, width = sides
        return [
            f"Training was right on {on}, and no longer getting better: the network is too small for the task, or sees "
            f"too little. A larger preset than {record.preset}; or a larger input ({advice.name_of('size')}) where the "
            f"pictures are larger than the {width}×{height} pixels that it gets."
        ]
    return [f"Training was right on {on}, more often than here: add pictures like those of the test to the training."]
