"""What the network looks at in pictures that it takes for something else, and in those of each class it is surest of.

The maps are of the int8 model itself, as the golden answers; a device that differs from it is not explained here. The
work has a budget: fewer cells of a grid first, then fewer pictures.
"""

from __future__ import annotations

import base64
import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import zip_longest
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tinyproof.console import UserError, track
from tinyproof.export.device_input import device_bytes
from tinyproof.host.expected import expected_outputs, read_model
from tinyproof.host.judging.occlusion import Grid, Scorer, falls, grid_of
from tinyproof.host.record.explanation import ClassPictures, Explanation, PictureMaps, ScoreMap
from tinyproof.host.record.report import Report
from tinyproof.host.samples import load_samples
from tinyproof.manifest import Manifest, load_manifest
from tinyproof.model_files import SPLITS_FILE, load_splits

BUDGET_S = 20.0
MOST_CELLS, FEWEST_CELLS = 14, 7  # of a grid's longer side
WRONG = 8  # pictures
CLASSES, OF_A_CLASS = 10, 3
LONG_S = 2.0  # from which on a bar shows how far it is


@dataclass(frozen=True)
class _Wish:
    """A picture to be explained, and the classes whose scores are mapped."""

    sample: int
    label: int
    taken: int

    @property
    def of(self) -> list[int]:
        """What it was taken for, then what it is."""
        return list(dict.fromkeys((self.taken, self.label)))


def explain(model: Path, report: Report, budget_s: float = BUDGET_S) -> Explanation:
    """Of a validation's samples, from the model's folder. Takes at most about `budget_s` seconds."""
    manifest = load_manifest(model)
    if why := _why_none(model, manifest, report):
        return Explanation(why_none=why)
    tflite = read_model(model, manifest)
    samples = load_samples(model, manifest, report.sampling.planned)
    golden = expected_outputs(model, tflite, manifest.model_sha256, samples).golden
    splits = load_splits(model / SPLITS_FILE)
    labels = splits.y_test[: len(golden)].astype(np.int64)
    try:
        scorer = Scorer(tflite)
    except UserError as error:
        return Explanation(why_none=f"No interpreter of this Python computes it: {error.message}")
    pictures = samples.inputs.reshape(len(golden), *manifest.inputs[0].shape[1:])
    median = np.median(splits.x_test[: len(golden)], axis=(0, 1, 2))
    cover = device_bytes(manifest.inputs[0], median.astype(np.uint8).reshape(1, 1, 1, -1)).reshape(-1)
    wrong, classes = choose_wrong(golden, labels), choose_classes(golden, labels)
    return _mapped(scorer, pictures, cover, wrong, classes, len(golden[0]), budget_s)


def _why_none(model: Path, manifest: Manifest, report: Report) -> str:
    """Why nothing can be mapped, in a sentence; empty where it can."""
    if len(manifest.inputs) != 1 or len(manifest.inputs[0].shape) != 4:
        return "Left out: the model's input is not one picture."
    if not (model / SPLITS_FILE).is_file():
        return "Left out: there are no test pictures."
    if report.classification.confusion.int8_device is None or report.samples == 0:
        return "Left out: nobody has labelled the pictures."
    if len(manifest.outputs) != 1 or not 2 <= manifest.output_bytes == len(report.classification.classes):
        return "Left out: the model's output is not a score for each of several classes."
    return ""


def choose_wrong(golden: NDArray[np.int8], labels: NDArray[np.int64], count: int = WRONG) -> list[_Wish]:
    """Samples that are taken for another class: of the most frequent confusions, in turn, the most certain ones.

    golden int8 (N, classes); labels (N,).
    """
    taken = golden.argmax(axis=1)
    rows = np.flatnonzero(taken != labels)
    certainty = golden[rows, taken[rows]].astype(int) - golden[rows, labels[rows]]
    kinds: dict[tuple[int, int], list[int]] = defaultdict(list)
    for row in rows[np.argsort(-certainty, kind="stable")]:
        kinds[int(labels[row]), int(taken[row])].append(int(row))
    by_frequency = sorted(kinds.values(), key=len, reverse=True)
    turns = (row for turn in zip_longest(*by_frequency) for row in turn if row is not None)
    return [_Wish(row, int(labels[row]), int(taken[row])) for row, _ in zip(turns, range(count), strict=False)]


def choose_classes(
    golden: NDArray[np.int8], labels: NDArray[np.int64], classes: int = CLASSES, each: int = OF_A_CLASS
) -> list[tuple[ClassPictures, list[_Wish]]]:
    """Of every class the samples that are recognised most surely; of many classes those that are recognised worst."""
    taken = golden.argmax(axis=1)
    margin = golden.max(axis=1).astype(int) - np.sort(golden, axis=1)[:, -2]
    found = []
    for label in np.unique(labels):
        own = labels == label
        right = np.flatnonzero(own & (taken == label))
        surest = right[np.argsort(-margin[right], kind="stable")][:each]
        counts = ClassPictures(int(label), int(own.sum()), len(right), [])
        found.append((counts, [_Wish(int(row), int(label), int(label)) for row in surest]))
    worst = sorted(found, key=lambda one: one[0].right / one[0].samples)[:classes]
    return sorted(worst, key=lambda one: one[0].label)


def _mapped(
    scorer: Scorer,
    pictures: NDArray[np.int8],
    cover: NDArray[np.int8],
    wrong: list[_Wish],
    classes: list[tuple[ClassPictures, list[_Wish]]],
    class_count: int,
    budget_s: float,
) -> Explanation:
    """The maps, those of wrong samples first, then the surest of each class, then the next."""
    started = time.monotonic()
    turns = [wish for turn in zip_longest(*(wishes for _, wishes in classes)) for wish in turn if wish is not None]
    wishes = [*wrong, *turns]
    seconds = scorer.seconds(pictures[0])
    grid = _affordable(pictures.shape[1], pictures.shape[2], seconds * len(wishes), budget_s)
    expected = seconds * len(wishes) * grid.rows * grid.columns
    source = track(wishes, "What the network looks at") if expected > LONG_S else wishes
    done: dict[int, PictureMaps] = {}
    for wish in source:
        if time.monotonic() - started < budget_s:
            done[wish.sample] = _maps(wish, falls(scorer, pictures[wish.sample], cover, grid))
    return Explanation(
        computed_by=scorer.name,
        score=scorer.score,
        patch=grid.patch,
        rows=grid.rows,
        columns=grid.columns,
        inferences=len(done) * (1 + grid.rows * grid.columns),
        seconds=round(time.monotonic() - started, 2),
        left_out=len(wishes) - len(done),
        wrong=_made(done, wrong),
        classes=tuple(replace(counts, pictures=list(_made(done, own))) for counts, own in classes),
        classes_in_all=class_count,
    )


def _affordable(height: int, width: int, seconds: float, budget_s: float) -> Grid:
    """The finest grid with which all pictures stay within the budget, if each cell of all of them takes `seconds`."""
    for cells in range(MOST_CELLS, FEWEST_CELLS, -1):
        grid = grid_of(height, width, cells)
        if seconds * grid.rows * grid.columns <= budget_s:
            return grid
    return grid_of(height, width, FEWEST_CELLS)


def _made(done: dict[int, PictureMaps], wishes: Sequence[_Wish]) -> tuple[PictureMaps, ...]:
    return tuple(done[wish.sample] for wish in wishes if wish.sample in done)


def _maps(wish: _Wish, fall: NDArray[np.int16]) -> PictureMaps:
    return PictureMaps(wish.sample, wish.label, wish.taken, [_packed(of, fall[:, :, of]) for of in wish.of])


def _packed(of: int, fall: NDArray[np.int16]) -> ScoreMap:
    most = int(np.abs(fall).max(initial=0))
    shares = np.rint(127 * fall / (most or 1)).astype(np.int8)
    return ScoreMap(of, most, base64.b64encode(shares.tobytes()).decode())
