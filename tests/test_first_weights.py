"""What reaches the first weights tells of pixels, whatever kind of layer has them; what comes behind tells nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import needs
import numpy as np
import pytest
from test_conversion import SIDE, bars

pytestmark = needs.tensorflow

FIRST: dict[str, Callable[[Any], Any]] = {
    "depthwise": lambda k: k.DepthwiseConv2D(3, activation="relu"),
    "separable": lambda k: k.SeparableConv2D(4, 3),
    "wrapped": lambda k: k.SpectralNormalization(k.Conv2D(4, 3)),
    "any axes": lambda k: k.EinsumDense("abcd,de->abce", (None, None, 4)),
    "activation": lambda k: k.PReLU(shared_axes=(1, 2)),
}


def behind(first: list[Any]) -> Any:
    import keras

    k = keras.layers
    keras.utils.set_random_seed(1)
    rest = [k.Conv2D(4, 3, activation="relu"), k.GlobalAveragePooling2D(), k.Dense(4)]
    return keras.Sequential([keras.Input((SIDE, SIDE, 1)), *first, *rest])


@pytest.mark.parametrize("kind", FIRST)
def test_the_first_layer_with_weights_is_the_one_that_counts(kind):
    import keras

    from tinyproof.export.conversion.wanted_pixels import _by_first_weights

    x = bars(1, 20)[0]
    assert _by_first_weights(behind([FIRST[kind](keras.layers)]), x) is None  # nothing scales them before
    scaled = behind([keras.layers.Rescaling(1 / 255), FIRST[kind](keras.layers)])
    assert _by_first_weights(scaled, x) == ("0..255", "it scales them itself, to 0..1 before its first weights")
    normalized = behind([keras.layers.Normalization(mean=128.0, variance=4000.0), FIRST[kind](keras.layers)])
    found = _by_first_weights(normalized, x)
    assert found is not None and found[0] == "0..255"


@pytest.mark.parametrize("adapted", [True, False])
def test_what_a_normalization_has_measured_are_no_weights(adapted):
    import keras

    from tinyproof.export.conversion.wanted_pixels import is_weighted

    layer = keras.layers.Normalization() if adapted else keras.layers.Normalization(mean=1.0, variance=2.0)
    if adapted:
        layer.adapt(np.ones((4, 3), np.float32))
    assert not is_weighted(layer) and not is_weighted(keras.layers.RandomFlip())


def test_a_map_that_a_recurrent_layer_takes_is_no_picture():
    import keras

    from tinyproof.export.conversion.ends import picture_of

    k = keras.layers
    for layer, is_picture in ((k.Bidirectional(k.LSTM(2)), False), (k.SimpleRNN(2), False), (k.Flatten(), True)):
        network = keras.Sequential([keras.Input((28, 28)), layer, k.Dense(3)])
        assert (picture_of(network) is not None) == is_picture, layer
