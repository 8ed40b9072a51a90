"""The training run: a data set, a preset and a recipe in, the five files of a model folder out (model_files.py).

The test images are used once, after the last epoch. Those files are written at the very end; until then the folder
holds what an interrupted run needs to go on (see `training.resume`).
"""

from __future__ import annotations

import hashlib
import os
import platform
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinyproof import preprocess
from tinyproof.backend import load_keras, make_repeatable
from tinyproof.console import UserError, console, write_atomically
from tinyproof.model_files import (
    FLOAT_SCORES_FILE,
    KERAS_FILE,
    LABELS_FILE,
    SPLITS_FILE,
    TRAINED_FILES,
    TRAINING_FILE,
    Splits,
    TrainingRecord,
    load_record,
    save_float_scores,
    save_labels,
    save_record,
    save_splits,
)
from tinyproof.training import augment, averaging, batches, network, optimize, resume, splits
from tinyproof.training.averaging import Average
from tinyproof.training.batches import batch_count, examples, training_batches
from tinyproof.training.journey import trace
from tinyproof.training.network import Network, build_model
from tinyproof.training.optimize import compile_model
from tinyproof.training.progress import Watch
from tinyproof.training.recipes import Recipe
from tinyproof.training.splits import Dataset, take_stratified

CALIBRATION_IMAGES = 500
DECIDING_CODE = (augment, averaging, batches, network, optimize, preprocess, splits)  # modules
VALIDATION_BATCH = 500  # images at a time where nothing is learnt


@dataclass(frozen=True)
class Plan:
    """Everything that decides the weights, but the machine."""

    dataset: Dataset
    preset: str
    network: Network
    recipe: Recipe
    seed: int

    def untrained_model(self) -> Any:
        """The network with its first weights: the same ones each time."""
        make_repeatable(self.seed)
        return build_model(self.network, self.dataset.image_shape, len(self.dataset.class_names), self.recipe.dropout)

    def sha256(self) -> str:
        """Of the plan, the images and their parts, the code that turns them into weights, and the libraries' versions.

        Two runs with the same sum give the same weights on the same machine.
        """
        data = self.dataset
        settings = (asdict(self.network), asdict(self.recipe), self.seed, data.mirror, versions())
        digest = hashlib.sha256(repr(settings).encode())
        for part in (data.images, data.labels, data.train, data.validation, data.test):
            digest.update(part.tobytes())
        digest.update(deciding_code())
        return digest.hexdigest()


def deciding_code() -> bytes:
    """The sources of the modules that turn images into weights."""
    return b"".join(Path(str(module.__file__)).read_bytes() for module in DECIDING_CODE)


@dataclass(frozen=True)
class TrainingRun:
    """A trained Keras model and how it came about."""

    model: Any
    record: TrainingRecord
    float_scores: NDArray[np.float32]  # (test,classes)


def train(plan: Plan, folder: Path, tensorboard: Path | None = None) -> TrainingRun:
    """Train as planned, from where an interrupted run of the same plan in `folder` stopped.

    The same plan gives the same weights on the same machine, interrupted or not. Prints a line an epoch.
    `tensorboard`: a folder for logs that TensorBoard shows.
    """
    data, recipe = plan.dataset, plan.recipe
    model = plan.untrained_model()
    compile_model(model, recipe, batch_count(data, recipe))
    sha256 = plan.sha256()
    average = Average(recipe.epochs)
    start = resume.restore(folder, sha256, model, average)
    if start.epochs:
        console.print(f"going on after epoch {start.epochs} of an interrupted run")

    def after_epoch(trained: Any, progress: resume.Progress) -> None:
        if recipe.averaged:
            average.after_epoch(progress.epochs, trained)
        resume.save(folder, sha256, trained, progress, average)

    watch = Watch(recipe.epochs, batch_count(data, recipe), start, after_epoch)
    if start.epochs < recipe.epochs:
        callbacks = [watch.callback(model)]
        if tensorboard:
            callbacks.append(load_keras().callbacks.TensorBoard(tensorboard, write_graph=False))
        model.fit(
            training_batches(data, recipe, plan.seed, start.epochs),
            validation_data=examples(data, data.validation),
            validation_batch_size=VALIDATION_BATCH,
            initial_epoch=start.epochs,
            epochs=recipe.epochs,
            callbacks=callbacks,
            shuffle=False,  # they are; Keras would shuffle them once more, and not the same way when resumed
            verbose=0,
        )
    average.apply(model)
    scores = predict(model, data.images[data.test])
    return TrainingRun(model, _record(plan, model, watch.progress, scores), scores)


def is_trained(plan: Plan, folder: Path) -> bool:
    """Whether the folder holds what this plan leads to, all of it."""
    try:
        return load_record(folder / TRAINING_FILE).plan == plan.sha256() and all(
            map(os.path.isfile, (folder / name for name in TRAINED_FILES))
        )
    except UserError:  # no record, or one of an earlier version
        return False


def predict(model: Any, images: NDArray[np.uint8]) -> NDArray[np.float32]:
    """The class probabilities float32 (N,classes) of images uint8 (N,H,W,C)."""
    probabilities: NDArray[np.float32] = model.predict(
        preprocess.preprocess(images), batch_size=VALIDATION_BATCH, verbose=0
    )
    return probabilities


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
    """Write the five files of a model folder; training.json comes last, so it vouches for the others."""
    with tempfile.TemporaryDirectory() as scratch:
        saved = Path(scratch) / KERAS_FILE
        run.model.save(saved)
        content = saved.read_bytes()
    (folder / TRAINING_FILE).unlink(missing_ok=True)  # of another network
    write_atomically(folder / KERAS_FILE, content)
    save_labels(folder / LABELS_FILE, dataset.class_names)
    save_splits(folder / SPLITS_FILE, splits_of(dataset))
    save_float_scores(folder / FLOAT_SCORES_FILE, run.float_scores)
    save_record(folder / TRAINING_FILE, run.record)
    resume.discard(folder)


def versions() -> dict[str, str]:
    """Of what decides the weights beside this project's code."""
    keras = load_keras()
    import tensorflow

    return {
        "python": platform.python_version(),
        "tensorflow": tensorflow.__version__,
        "keras": keras.__version__,
        "numpy": np.__version__,
        "processor": platform.machine(),
    }


def _record(plan: Plan, model: Any, progress: resume.Progress, test_scores: NDArray[np.float32]) -> TrainingRecord:
    data, steps = plan.dataset, trace(model)

    def accuracy(scores: NDArray[np.float32], rows: NDArray[np.int64]) -> float:
        return float(np.mean(scores.argmax(axis=1) == data.labels[rows]))

    return TrainingRecord(
        dataset=data.name,
        origin=data.origin,
        preset=plan.preset,
        network=asdict(plan.network),
        recipe=asdict(plan.recipe),
        seed=plan.seed,
        plan=plan.sha256(),
        epochs_run=progress.epochs,
        accuracy_validation=accuracy(predict(model, data.images[data.validation]), data.validation),
        accuracy_float=accuracy(test_scores, data.test),
        parameters=sum(step.parameters for step in steps),
        macs=sum(step.macs for step in steps),
        seconds=round(progress.seconds, 1),
        versions=versions(),
        history=progress.history,
    )
