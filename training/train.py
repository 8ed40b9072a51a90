"""The training run: a data set and a preset in, the four files of a model folder out (see `training.files`).

The test images are used once, after the last epoch. Files are written at the very end, so that an interrupted run
leaves what was there before.
"""

from __future__ import annotations

import platform
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from host.console import console, write_atomically
from training.backend import load_keras, make_repeatable
from training.datasets import Dataset, Rows, take_stratified
from training.files import (
    KERAS_FILE,
    LABELS_FILE,
    SPLITS_FILE,
    TRAINING_FILE,
    Splits,
    TrainingRecord,
    save_labels,
    save_record,
    save_splits,
)
from training.journey import journey_table, trace
from training.preprocess import preprocess
from training.presets import build_model, find_preset

CALIBRATION_IMAGES = 500


@dataclass(frozen=True)
class TrainingRun:
    """A trained Keras model and how it came about."""

    model: Any
    record: TrainingRecord


def default_epochs(train_images: int) -> int:
    """Return how many epochs to allow: a small set needs more rounds, each of which is short."""
    return 10 if train_images > 10_000 else 40


def train(dataset: Dataset, preset_name: str, epochs: int | None, batch_size: int, seed: int) -> TrainingRun:
    """Train until the validation loss stops falling, at most `epochs` times (None: by the size of the set).

    Keeps the weights of the best epoch. The same arguments give the same weights on the same machine. Prints the
    journey of an image and Keras' progress. UserError if the preset is unknown or the images are too small for it.
    """
    preset = find_preset(preset_name)
    epochs = default_epochs(len(dataset.train)) if epochs is None else epochs
    make_repeatable(seed)
    model = build_model(preset, dataset.image_shape, len(dataset.class_names))
    steps = trace(model)
    console.print(journey_table(steps))

    x_train, y_train = _examples(dataset, dataset.train)
    x_validation, y_validation = _examples(dataset, dataset.validation)
    model.compile(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    patience = max(3, epochs // 4)  # epochs without a lower validation loss
    stop = load_keras().callbacks.EarlyStopping(monitor="val_loss", patience=patience, restore_best_weights=True)
    started = time.monotonic()
    fitted = model.fit(
        x_train,
        y_train,
        validation_data=(x_validation, y_validation),
        epochs=epochs,
        batch_size=batch_size,
        callbacks=[stop],
        verbose=1 if sys.stdout.isatty() else 2,  # a moving bar for people, a line an epoch for logs
    )
    seconds = time.monotonic() - started

    record = TrainingRecord(
        dataset=dataset.name,
        origin=dataset.origin,
        preset=preset_name,
        seed=seed,
        epochs_asked=epochs,
        epochs_run=len(fitted.epoch),
        batch_size=batch_size,
        accuracy_validation=accuracy(model, x_validation, y_validation),
        accuracy_float=accuracy(model, *_examples(dataset, dataset.test)),
        parameters=sum(step.parameters for step in steps),
        macs=sum(step.macs for step in steps),
        seconds=round(seconds, 1),
        versions=_versions(),
        history={measure: [float(value) for value in values] for measure, values in fitted.history.items()},
    )
    return TrainingRun(model, record)


def accuracy(model: Any, images: NDArray[np.float32], labels: NDArray[np.int32]) -> float:
    """Return the share of preprocessed images (N,H,W,C) whose most probable class is the labelled one."""
    probabilities = model.predict(images, batch_size=256, verbose=0)
    return float(np.mean(probabilities.argmax(axis=1) == labels))


def splits_of(dataset: Dataset) -> Splits:
    """Return what later stages may see of a data set: test images, and up to 500 training images to calibrate with."""
    calibration, _ = take_stratified(dataset.labels, dataset.train, CALIBRATION_IMAGES)
    return Splits(
        x_calibration=dataset.images[calibration],
        x_test=dataset.images[dataset.test],
        y_test=dataset.labels[dataset.test],
        train_index=dataset.train,
        validation_index=dataset.validation,
        test_index=dataset.test,
    )


def save(run: TrainingRun, dataset: Dataset, folder: Path) -> None:
    """Write the four files of a model folder; training.json comes last, so it vouches for the others."""
    with tempfile.TemporaryDirectory() as scratch:
        saved = Path(scratch) / KERAS_FILE
        run.model.save(saved)
        content = saved.read_bytes()
    write_atomically(folder / KERAS_FILE, content)
    save_labels(folder / LABELS_FILE, dataset.class_names)
    save_splits(folder / SPLITS_FILE, splits_of(dataset))
    save_record(folder / TRAINING_FILE, run.record)


def _versions() -> dict[str, str]:
    import tensorflow

    keras = load_keras()
    return {
        "python": platform.python_version(),
        "tensorflow": tensorflow.__version__,
        "keras": keras.__version__,
        "numpy": np.__version__,
    }


def _examples(dataset: Dataset, rows: Rows) -> tuple[NDArray[np.float32], NDArray[np.int32]]:
    return preprocess(dataset.images[rows]), dataset.labels[rows]
