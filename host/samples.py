"""The inputs a device is tested with: the test split as the device sees it, or random bytes where there is none."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from tinyproof import advice
from tinyproof.console import UserError
from tinyproof.export.device_input import device_bytes
from tinyproof.manifest import Manifest
from tinyproof.model_files import SPLITS_FILE, load_splits

RANDOM_SAMPLES = 200
RANDOM_SEED = 1


@dataclass(frozen=True)
class Samples:
    """`inputs` int8 (N, input bytes), `labels` int (N,) or None where nobody knows, `source` in words."""

    inputs: np.ndarray
    labels: np.ndarray | None
    source: str
    is_whole: bool  # all there are, not the first few

    @cached_property
    def sha256(self) -> str:
        """Over the input bytes."""
        return hashlib.sha256(self.inputs.tobytes()).hexdigest()


def load_samples(model: Path, manifest: Manifest, limit: int | None = None) -> Samples:
    """The first `limit` samples (all by default) for the model in the folder `model`.

    Raises UserError when the test images do not have the model's input shape.
    """
    if not (model / SPLITS_FILE).is_file():
        count = RANDOM_SAMPLES if limit is None else limit
        inputs = np.random.default_rng(RANDOM_SEED).integers(-128, 128, (count, manifest.input_bytes), np.int8)
        return Samples(inputs, None, f"{count:,} random inputs, not images, seed {RANDOM_SEED}", limit is None)
    splits = load_splits(model / SPLITS_FILE)
    images, labels = splits.x_test[:limit], splits.y_test[:limit]
    tensor = manifest.inputs[0]
    if len(manifest.inputs) != 1 or tuple(images.shape[1:]) != tuple(tensor.shape[1:]):
        raise UserError(
            f"{model}: test images of shape {images.shape[1:]} for an input of shape {tensor.shape}; run "
            f"`{advice.command('train')}`"
        )
    whole = len(images) == len(splits.x_test)
    source = f"test split, {len(images):,} of {len(splits.x_test):,} images"
    return Samples(device_bytes(tensor, images).reshape(len(images), -1), labels, source, whole)
