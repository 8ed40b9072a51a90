"""The networks that can be trained by name.

One shape, two sizes. `small` suits a quick start and a tight board; `course` is the classifier of the well-known
TensorFlow course, about nine times the parameters.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from host.console import UserError
from training.backend import load_keras

SMALLEST_SIDE = 10  # 10 -> 8 -> 4 -> 2 -> 1: below it, nothing is left to pool


@dataclass(frozen=True)
class Preset:
    """How wide the network is: filters of its two convolutions, units of its hidden dense layer."""

    filters_1: int
    filters_2: int
    units: int


PRESETS = {
    "small": Preset(filters_1=16, filters_2=32, units=64),
    "course": Preset(filters_1=64, filters_2=64, units=128),
}


def find_preset(name: str) -> Preset:
    """Return the preset of that name; UserError, listing the names there are, if there is none."""
    if name not in PRESETS:
        raise UserError(f"unknown preset {name!r}: choose one of {', '.join(PRESETS)}")
    return PRESETS[name]


def build_model(preset: Preset, input_shape: tuple[int, int, int], class_count: int) -> Any:
    """Return an untrained keras.Sequential: float (N,H,W,C) in 0..1 to class probabilities (N,class_count).

    `input_shape` is (H,W,C). UserError if the images are too small for two rounds of convolution and pooling.
    """
    height, width, _ = input_shape
    if min(height, width) < SMALLEST_SIDE:
        raise UserError(
            f"images of {height}x{width} are too small for this network: use at least {SMALLEST_SIDE}x{SMALLEST_SIDE}"
        )
    keras = load_keras()
    layers = keras.layers
    return keras.Sequential(
        [
            keras.Input(input_shape),
            layers.Conv2D(preset.filters_1, (3, 3), activation="relu", name="conv_1"),
            layers.MaxPooling2D((2, 2), name="pool_1"),
            layers.Conv2D(preset.filters_2, (3, 3), activation="relu", name="conv_2"),
            layers.MaxPooling2D((2, 2), name="pool_2"),
            layers.Flatten(name="flatten"),
            layers.Dense(preset.units, activation="relu", name="dense_1"),
            layers.Dense(class_count, activation="softmax", name="dense_2"),
        ]
    )
