"""What a network is made of, as data, and the Keras model of it.

A network is a row of blocks, a head that turns the last feature map into numbers, and a dense layer for the classes.
Presets are written in it, the architecture search draws from it, and it can be saved as JSON.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Literal

from tinyproof.backend import load_keras
from tinyproof.console import UserError

Shape = tuple[int, int, int]


@dataclass(frozen=True)
class Block:
    """One step of a network, ending in a ReLU: a 3x3 convolution ("conv"), a 3x3 convolution of each channel for itself
    and a 1x1 one across them ("separable"), or two 3x3 ones around which the input is added back ("residual").

    `pool` follows with a 2x2 max pooling.
    """

    kind: Literal["conv", "separable", "residual"]
    filters: int
    stride: int = 1
    pool: bool = False


@dataclass(frozen=True)
class Network:
    """A network as data.

    `head`: "flatten" keeps every place of the last feature map apart; "mean" and "max" merge all places, which suits
    objects that may be anywhere; "places" weighs them, in each channel by itself (a depthwise convolution as large as
    the map, as in MobileFaceNets, arXiv:1804.07573), which suits objects in the middle. `units`: of a hidden dense
    layer, 0 for none. `normalized`: batch normalization after each convolution; on the device it costs nothing, since
    the converter folds it into the weights.
    """

    blocks: tuple[Block, ...]
    head: Literal["flatten", "mean", "max", "places"]
    units: int = 0
    normalized: bool = True
    padding: Literal["same", "valid"] = "same"


def network_from_json(fields: dict[str, Any]) -> Network:
    """The network that `dataclasses.asdict` made the fields of. TypeError or KeyError if they are no such fields."""
    return Network(**{**fields, "blocks": tuple(Block(**block) for block in fields["blocks"])})


def build_model(network: Network, input_shape: Shape, class_count: int, dropout: float = 0.0) -> Any:
    """Return an untrained keras.Model: float (N,H,W,C) in 0..1 to class probabilities (N,class_count).

    `input_shape` is (H,W,C); `dropout` is the share of numbers dropped before each dense layer while training.
    UserError if the images are too small for the network's convolutions and poolings.
    """
    _check_size(network, input_shape)
    keras = load_keras()
    layers = keras.layers
    x = source = keras.Input(input_shape, name="input")
    for number, block in enumerate(network.blocks, 1):
        x = _BUILDERS[block.kind](layers, x, block, network, str(number))
        if block.pool:
            x = layers.MaxPooling2D((2, 2), name=f"pool_{number}")(x)
    if network.head == "flatten":
        x = layers.Flatten(name="flatten")(x)
    elif network.head == "mean":
        # An average pooling rounds alike in every runtime, which MEAN, the op of GlobalAveragePooling2D, does not.
        x = layers.Flatten(name="flatten")(layers.AveragePooling2D(x.shape[1:3], name="mean")(x))
    elif network.head == "max":
        x = layers.Flatten(name="flatten")(layers.MaxPooling2D(x.shape[1:3], name="max")(x))
    else:
        x = layers.DepthwiseConv2D(x.shape[1:3], use_bias=not network.normalized, name="places")(x)
        x = layers.Flatten(name="flatten")(_normalize(layers, x, network, "places"))
    for number, units in enumerate((network.units, class_count) if network.units else (class_count,), 1):
        if dropout:
            x = layers.Dropout(dropout, name=f"dropout_{number}")(x)
        is_last = number == (2 if network.units else 1)
        x = layers.Dense(units, activation="softmax" if is_last else "relu", name=f"dense_{number}")(x)
    return keras.Model(source, x, name="network")


def _check_size(network: Network, input_shape: Shape) -> None:
    height, width, _ = input_shape
    if not _fits(network, min(height, width)):
        smallest = next(side for side in range(1, 1 << 12) if _fits(network, side))
        raise UserError(
            f"images of {height}x{width} are too small for this network: use at least {smallest}x{smallest}"
        )


def _fits(network: Network, side: int) -> bool:
    """Whether images of that side leave something to pool and convolve at every block."""
    for block in network.blocks:
        side = -(-side // block.stride) if network.padding == "same" else (side - 3) // block.stride + 1
        side = side // 2 if block.pool else side
        if side < 1:
            return False
    return True


def _convolution(layers: Any, x: Any, filters: int, network: Network, name: str, stride: int = 1, size: int = 3) -> Any:
    """A convolution without activation, normalized where the network is."""
    x = layers.Conv2D(filters, size, stride, network.padding, use_bias=not network.normalized, name=f"conv_{name}")(x)
    return _normalize(layers, x, network, name)


def _normalize(layers: Any, x: Any, network: Network, name: str) -> Any:
    # Keras' own momentum, 0.99, follows too slowly where an epoch has few steps.
    return layers.BatchNormalization(momentum=0.9, name=f"norm_{name}")(x) if network.normalized else x


def _conv(layers: Any, x: Any, block: Block, network: Network, name: str) -> Any:
    if network.normalized:
        x = _convolution(layers, x, block.filters, network, name, block.stride)
        return layers.ReLU(name=f"relu_{name}")(x)
    return layers.Conv2D(block.filters, 3, block.stride, network.padding, activation="relu", name=f"conv_{name}")(x)


def _separable(layers: Any, x: Any, block: Block, network: Network, name: str) -> Any:
    x = layers.DepthwiseConv2D(
        3, block.stride, network.padding, use_bias=not network.normalized, name=f"depthwise_{name}"
    )(x)
    x = layers.ReLU(name=f"relu_{name}a")(_normalize(layers, x, network, f"{name}a"))
    x = _convolution(layers, x, block.filters, network, name, size=1)
    return layers.ReLU(name=f"relu_{name}")(x)


def _residual(layers: Any, x: Any, block: Block, network: Network, name: str) -> Any:
    """Two convolutions whose result is added to the input, which a 1x1 convolution brings to the same shape if needed
    (He et al., arXiv:1512.03385).
    """
    same = replace(network, padding="same")
    y = _convolution(layers, x, block.filters, same, f"{name}a", block.stride)
    y = layers.ReLU(name=f"relu_{name}a")(y)
    y = _convolution(layers, y, block.filters, same, f"{name}b")
    if block.stride != 1 or x.shape[-1] != block.filters:
        x = _convolution(layers, x, block.filters, same, f"{name}s", block.stride, size=1)
    return layers.ReLU(name=f"relu_{name}")(layers.Add(name=f"add_{name}")([x, y]))


_BUILDERS = {"conv": _conv, "separable": _separable, "residual": _residual}
