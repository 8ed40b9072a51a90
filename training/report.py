"""The training report: one HTML page with the curves, the confusion matrix and the hardest images of a trained model.

Made from the files of a model folder alone, so it can be made again at any time: `tinyproof training-report`.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tinyproof import advice
from tinyproof.console import UserError
from tinyproof.model_files import (
    FLOAT_SCORES_FILE,
    LABELS_FILE,
    SPLITS_FILE,
    TRAINING_FILE,
    Splits,
    TrainingRecord,
    load_float_scores,
    load_labels,
    load_record,
    load_splits,
)
from tinyproof.statistics import confusion, wilson

if TYPE_CHECKING:
    from tinyproof.page import Picture

REPORT_FILE = "training.html"
HARDEST = 24


def write_report(folder: Path) -> Path:
    """Write the page into the model folder and return its path. UserError if the folder's files are missing."""
    from tinyproof.page import Page, Tile, facts, gallery, heat_table, svg_figure, table, tiles

    record, labels = load_record(folder / TRAINING_FILE), load_labels(folder / LABELS_FILE)
    splits, scores = load_splits(folder / SPLITS_FILE), load_float_scores(folder / FLOAT_SCORES_FILE)
    if scores is None or scores.shape != (len(splits.y_test), len(labels)):
        raise UserError(
            f"{folder / FLOAT_SCORES_FILE} does not belong to the other files: run `{advice.command('train')}` again"
        )
    guesses = scores.argmax(axis=1)
    right = int((guesses == splits.y_test).sum())
    interval = wilson(right, len(guesses))
    assert interval is not None  # there are test images

    page = Page("Training report", subtitle=f"{record.dataset}, {record.preset}: {record.origin}")
    page.add(
        tiles(
            [
                Tile("test accuracy, float", f"{record.accuracy_float:.2%}", f"{right:,} of {len(guesses):,} images"),
                Tile("95 % interval", f"{interval.low:.2%} to {interval.high:.2%}", "Wilson's"),
                Tile(
                    "validation accuracy",
                    f"{record.accuracy_validation:.2%}",
                    f"{len(splits.validation_index):,} images",
                ),
                Tile("parameters", f"{record.parameters:,}", f"{record.macs:,} multiply-accumulates"),
                Tile("training", _duration(record.seconds), f"{record.epochs_run} epochs"),
            ]
        )
    )
    section = page.section("Curves", "Training images are augmented, so training accuracy may stay below validation.")
    section.add(svg_figure(_curves(record), alt=_curve_words(record), caption="Loss and accuracy after each epoch."))
    section = page.section("Confusions", "Which class (row) the network took for which (column), on the test images.")
    counts = confusion(guesses, splits.y_test, len(labels))
    section.add(heat_table(counts, labels, labels, "Test images", ("class", "taken for"), confusion=True))
    section.add(
        table(["class", "images", "right", "share"], _by_class(counts, labels), "How often each class is right")
    )
    section = page.section("Hardest images", "Wrong answers of the test, the most certain ones first.")
    section.add(gallery(_hardest(splits, scores, labels)))
    section = page.section("How it was made", "The same plan gives the same weights on the same machine.")
    section.add(facts([(name.replace("_", " "), str(value)) for name, value in record.recipe.items()]))
    section.add(facts([("seed", record.seed), ("plan", record.plan), *record.versions.items()]))
    return page.save(folder / REPORT_FILE)


def _duration(seconds: float) -> str:
    return f"{seconds / 60:.0f} min" if seconds >= 90 else f"{seconds:.0f} s"


def _curves(record: TrainingRecord) -> Any:
    from tinyproof.page import figure_style

    with figure_style() as colors:
        from matplotlib.figure import Figure

        figure = Figure(figsize=(9, 3.2))
        for axes, measure, factor, unit in zip(
            figure.subplots(1, 2), ("loss", "accuracy"), (1, 100), ("", ", %"), strict=True
        ):
            epochs = np.arange(1, record.epochs_run + 1)
            for name, color, label in (
                (measure, colors.accent, "training"),
                (f"val_{measure}", colors.series2, "validation"),
            ):
                axes.plot(epochs, factor * np.array(record.history[name]), color=color, label=label)
            axes.set_xlabel("epoch")
            axes.set_ylabel(measure + unit)
            axes.grid(True)
            axes.legend()
    return figure


def _curve_words(record: TrainingRecord) -> str:
    loss, share = record.history["val_loss"], record.history["val_accuracy"]
    return (
        f"In {record.epochs_run} epochs the validation loss goes from {loss[0]:.3f} to {loss[-1]:.3f}, "
        f"the validation accuracy from {share[0]:.1%} to {share[-1]:.1%}."
    )


def _by_class(counts: NDArray[np.int64], labels: tuple[str, ...]) -> list[tuple[str, int, int, str]]:
    rows = zip(labels, counts, np.diagonal(counts), strict=True)
    return [(name, int(row.sum()), int(right), f"{right / max(row.sum(), 1):.1%}") for name, row, right in rows]


def _hardest(splits: Splits, scores: NDArray[np.float32], labels: tuple[str, ...]) -> list[Picture]:
    """The test images that the network is most sure about and wrong."""
    from tinyproof.page import Picture

    wrong = np.flatnonzero(scores.argmax(axis=1) != splits.y_test)
    hardest = wrong[np.argsort(-scores[wrong].max(axis=1), kind="stable")][:HARDEST]
    pictures = []
    for row in hardest:
        truth, guess = labels[splits.y_test[row]], labels[scores[row].argmax()]
        said = f"{guess} {scores[row].max():.0%}"
        pictures.append(
            Picture(splits.x_test[row], f"test image {row}: {truth}, taken for {guess}", truth, f"taken for {said}")
        )
    return pictures
