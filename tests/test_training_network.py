"""Networks: what an image goes through, what every preset promises, what its recipe is."""

from __future__ import annotations

import doctest

import numpy as np
import pytest
from numpy.typing import NDArray

from tinyproof.preprocess import preprocess
from tinyproof.training import progress
from tinyproof.training.commands import train as command_line
from tinyproof.training.journey import trace
from tinyproof.training.network import build_model
from tinyproof.training.presets import PRESETS


def test_the_examples_in_docstrings_hold() -> None:
    for module in (command_line, progress):
        assert doctest.testmod(module).failed == 0


def test_preprocess_maps_bytes_to_the_unit_interval() -> None:
    pixels = np.array([0, 51, 255], np.uint8).reshape(1, 1, 3, 1)
    floats = preprocess(pixels)
    assert floats.dtype == np.float32 and floats.shape == pixels.shape
    assert np.array_equal(floats.ravel(), np.array([0, 0.2, 1], np.float32))


@pytest.mark.parametrize("images", [np.zeros((1, 2, 2, 1)), np.zeros((2, 2), np.uint8)])
def test_preprocess_refuses_what_is_already_floating_point_or_no_batch(images: NDArray[np.uint8]) -> None:
    with pytest.raises(ValueError, match="must be uint8"):
        preprocess(images)


COURSE_JOURNEY = [
    ("input", (28, 28, 1), 0, 0),
    ("conv_1", (26, 26, 64), 640, 389_376),
    ("pool_1", (13, 13, 64), 0, 0),
    ("conv_2", (11, 11, 64), 36_928, 4_460_544),
    ("pool_2", (5, 5, 64), 0, 0),
    ("flatten", (1600,), 0, 0),
    ("dense_1", (128,), 204_928, 204_800),
    ("dense_2", (10,), 1_290, 1_280),
]


def test_the_course_network_goes_from_28_to_26_13_11_5_and_1600() -> None:
    steps = trace(build_model(PRESETS["course"].network, (28, 28, 1), 10))
    assert [(step.name, step.output_shape, step.parameters, step.macs) for step in steps] == COURSE_JOURNEY


@pytest.mark.parametrize("preset", PRESETS)
def test_every_preset_takes_the_smallest_picture_it_promises_in_colour(preset: str) -> None:
    smallest = 15 if preset == "photo" else 10
    model = build_model(PRESETS[preset].network, (smallest, smallest + 3, 3), 2)
    assert model.output_shape == (None, 2)
