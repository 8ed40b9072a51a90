"""The batches of a training run: shuffled and augmented anew in every epoch, and the same again for the same seed.

A batch depends on (seed, epoch, place) alone: a run resumed at an epoch sees what the whole run would have seen.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinyproof.backend import load_keras
from tinyproof.preprocess import preprocess
from tinyproof.training.augment import augment, find_augmentation
from tinyproof.training.recipes import Recipe
from tinyproof.training.splits import Dataset, Rows, class_weights

Examples = tuple[NDArray[np.float32], NDArray[np.float32]]


def examples(dataset: Dataset, rows: Rows) -> Examples:
    """The rows as a network takes them: images float32 (N,H,W,C) in 0..1, and classes one-hot float32 (N,classes)."""
    return preprocess(dataset.images[rows]), _one_hot(dataset, rows)


def batch_count(dataset: Dataset, recipe: Recipe) -> int:
    """Full batches in an epoch; the images that are left over change from epoch to epoch."""
    return max(1, len(dataset.train) // recipe.batch_size)


def training_batch(dataset: Dataset, recipe: Recipe, seed: int, epoch: int, place: int) -> Examples:
    """Batch number `place` of an epoch, augmented as the recipe says."""
    size = min(recipe.batch_size, len(dataset.train))
    order = np.random.default_rng((seed, epoch)).permutation(dataset.train)
    rows = order[place * size : (place + 1) * size]
    rng = np.random.default_rng((seed, epoch, place))
    how = find_augmentation(recipe.augmentation)
    return preprocess(augment(dataset.images[rows], how, dataset.mirror, rng)), _one_hot(dataset, rows)


def training_batches(dataset: Dataset, recipe: Recipe, seed: int, first_epoch: int) -> Any:
    """The batches as the keras.utils.PyDataset that `fit` takes, starting at `first_epoch`; where the classes are
    uneven, with what each image counts.
    """
    keras = load_keras()
    weights = class_weights(dataset)

    class Batches(keras.utils.PyDataset):  # type: ignore[misc, name-defined]  # Keras comes in here alone
        epoch = first_epoch

        def __len__(self) -> int:
            return batch_count(dataset, recipe)

        def __getitem__(self, place: int) -> tuple[NDArray[np.float32], ...]:
            x, y = training_batch(dataset, recipe, seed, self.epoch, place)
            return (x, y) if weights is None else (x, y, weights[y.argmax(axis=1)])

        def on_epoch_end(self) -> None:
            self.epoch += 1

    return Batches()


def _one_hot(dataset: Dataset, rows: Rows) -> NDArray[np.float32]:
    return np.eye(len(dataset.class_names), dtype=np.float32)[dataset.labels[rows]]
