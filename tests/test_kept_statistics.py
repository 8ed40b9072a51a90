"""Batch normalization that has kept the statistics of the training's first steps is named as the cause."""

from __future__ import annotations

from typing import Any

import needs
import numpy as np
import pytest
from click.testing import CliRunner
from test_conversion import SIDE, bars

from tinyproof.export.commands import quantize
from tinyproof.export.conversion.kept_statistics import outdated, with_own_statistics

pytestmark = needs.tensorflow
ACCEPT = "--accept-loss"


def trained(momentum: float, trainable: bool = True) -> Any:
    """A network trained for so few steps that statistics of a momentum of 0.999 stay near their start."""
    import keras

    k = keras.layers
    keras.utils.set_random_seed(2)
    body = [k.Conv2D(8, 3), k.BatchNormalization(momentum=momentum), k.ReLU(), k.Flatten(), k.Dense(4)]
    network = keras.Sequential([keras.Input((SIDE, SIDE, 1)), *body, k.Softmax()])
    network.compile(keras.optimizers.Adam(0.01), "sparse_categorical_crossentropy")
    x, y = bars(0, 400)
    network.fit(x.astype(np.float32), y, epochs=8, verbose=0)
    network.layers[1].trainable = trainable
    return network


def test_statistics_of_the_first_steps_are_named_with_and_without_labels(tmp_path):
    x, y = bars(1, 60)
    samples = x.astype(np.float32)
    short, long = trained(0.9999), trained(0.8)
    before = [weight.copy() for weight in short.get_weights()]
    exact = np.asarray(short(samples))
    said = outdated(short, samples, exact, y)
    assert "float is right on 100.0% of 60" in said and "momentum 0.9999" in said
    all_same = np.tile(exact[:1], (60, 1))
    assert "float tells 4 classes apart" in outdated(short, samples, all_same, None)
    for weight, kept in zip(short.get_weights(), before, strict=True):
        np.testing.assert_array_equal(weight, kept)
    np.testing.assert_array_equal(short(samples), exact)
    assert outdated(long, samples, np.asarray(long(samples)), y) == ""


@pytest.mark.parametrize("count", [1, 60])
def test_what_has_no_statistics_to_take_says_nothing(count):
    import keras

    frozen = trained(0.9999, trainable=False)
    plain = keras.Sequential([keras.Input((SIDE, SIDE, 1)), keras.layers.Flatten(), keras.layers.Dense(4)])
    x = bars(1, count)[0].astype(np.float32)
    assert with_own_statistics(frozen, x) is None and with_own_statistics(plain, x) is None


def test_the_export_says_it_in_place_of_doubts_about_labels(tmp_path):
    x, y = bars(1, 100)
    network = trained(0.9999)
    network.layers[1].moving_mean.assign(np.full(8, 300.0, np.float32))  # no more than guessing
    network.save(tmp_path / "net.keras")
    np.savez(tmp_path / "images.npz", x=x, y=y)
    given = {"model": tmp_path / "out", "keras": tmp_path / "net.keras", "calibration": tmp_path / "images.npz"}
    result = CliRunner().invoke(quantize.command, [*(f"--{name}={value}" for name, value in given.items()), ACCEPT])
    assert result.exit_code == 0, result.output
    words = " ".join(result.output.split())
    assert "statistics of the batch in place of those that batch normalization has kept" in words, result.output
    assert "classes in another order" not in words and "are they of one class" not in words
