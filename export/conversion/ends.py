"""What a Keras network takes and gives, and whether the calibration's images, samples and labels go with that."""

from __future__ import annotations

from math import isqrt
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinyproof.backend import load_keras
from tinyproof.console import UserError
from tinyproof.export.conversion.walk import first_input, leaves
from tinyproof.export.conversion.wanted_pixels import is_weighted, noun

CONVERT_IT = "convert it with tf.lite.TFLiteConverter, int8 and a batch of one, and give the .tflite"
LOOKUPS = ("Embedding", "IntegerLookup", "StringLookup", "TextVectorization", "Hashing", "CategoryEncoding")
LEAST_ROW = 64  # numbers: a square of so many may be a picture
OWN_SHAPE = "calibrate with an .npy of float32 samples of its own input's shape"


def other_images(takes: tuple[int, ...], shape: tuple[int, ...]) -> str:
    """What to do to images x of a shape (H,W,C) for a network that takes another; '' for images of another size.

    >>> other_images((8, 8, 1), (8, 8, 3))
    'the network sees grey: make them so, x.mean(-1, keepdims=True).astype("uint8")'
    """
    if takes == (shape[2], shape[0], shape[1]):
        return "the network has its channels first: x.transpose(0, 3, 1, 2)"
    if takes == (shape[1], shape[2], shape[0]):
        return "the network has its channels last: x.transpose(0, 2, 3, 1)"
    if takes[:2] != shape[:2]:
        return ""
    if takes[2] == 1 and shape[2] == 3:
        return 'the network sees grey: make them so, x.mean(-1, keepdims=True).astype("uint8")'
    if takes[2] == 3 and shape[2] == 1:
        return "the network sees colours: give those it was trained on, or x.repeat(3, -1)"
    return f"leave the others out, x[..., :{takes[2]}]" if takes[2] < shape[2] else "it needs more channels"


def as_numbers(network: Any, images: NDArray[Any]) -> NDArray[Any]:
    """Images uint8 (N,H,W,C) as float32 samples where the network takes no images but just that shape, with or without
    the axis that was put to pictures of one channel.
    """
    takes = tuple(network.input_shape[1:])
    if images.dtype != np.uint8 or len(takes) == 3:
        return images
    if images.shape[1:] == (*takes, 1):
        return np.asarray(images[..., 0], np.float32)
    return images


def picture_of(network: Any) -> tuple[int, int, int] | None:
    """(H,W,1) of a grey picture that the network takes as a map (H,W) or as a row of H*W; None where it takes steps of
    a sequence, or no such thing.
    """
    takes = tuple(network.input_shape[1:])
    if None in takes or len(takes) not in (1, 2):
        return None
    side = isqrt(takes[0])
    if len(takes) == 1:
        return (side, side, 1) if side * side == takes[0] >= LEAST_ROW else None
    found = first_input(network, np.zeros((1, *takes), np.float32), is_weighted)
    if found is None or found[1].ndim not in (2, 4):
        return None
    return takes[0], takes[1], 1


def with_picture(network: Any, picture: tuple[int, int, int]) -> Any:
    """The network with a picture (H,W,1) in the place of the map or row that it takes."""
    keras = load_keras()
    x = keras.Input(picture)
    return keras.Model(x, network(keras.ops.reshape(x, (-1, *network.input_shape[1:]))), name=network.name)


def taken_shape(network: Any, samples: NDArray[Any]) -> tuple[int, ...]:
    """The shape of an input without N; where the network takes any size, that of the samples."""
    shape = tuple(network.input_shape[1:])
    if len(shape) != samples.ndim - 1:
        return shape
    return tuple(own if size is None else size for size, own in zip(shape, samples.shape[1:], strict=True))


def image_shape(network: Any, path: Path, images: NDArray[Any] | None) -> tuple[int, int, int]:
    """Height, width and channels of the one input, of `images` where it takes any size. UserError for no images."""
    shape = (None, *(taken_shape(network, images) if images is not None else network.input_shape[1:]))
    if len(shape) != 4 or None in shape[1:]:
        if len(shape) == 4 and shape[3] is not None:
            raise UserError(
                f"{path} takes pictures of any size, and a device those of one: calibrate with an .npy of images uint8 "
                "(N,H,W,C) of that size, or begin the network with keras.Input((H, W, C))"
            )
        raise UserError(
            f"{path} takes {network.input_shape}, not one input of images (N,H,W,C) of one size: {OWN_SHAPE}, or "
            f"{CONVERT_IT}"
        )
    return shape[1], shape[2], shape[3]


def not_one_input(path: Path, shapes: Any) -> UserError:
    """What to say of a network that takes these shapes."""
    return UserError(f"{path} takes {shapes}, not one input: {CONVERT_IT}")


def not_one_output(path: Path, count: int) -> UserError:
    """What to say of a network with so many outputs."""
    return UserError(f"{path} has {count} outputs, not one: {CONVERT_IT}")


def check_ends(network: Any, path: Path) -> None:
    """UserError for a network with several inputs or outputs, or an input that is no float."""
    shape = getattr(network, "input_shape", None)
    if not isinstance(shape, tuple) or len(shape) < 2 or not all(size is None or type(size) is int for size in shape):
        raise not_one_input(path, shape)
    outputs = getattr(network, "output_shape", None)
    if isinstance(outputs, (list, dict)):
        raise not_one_output(path, len(outputs))
    kind = str(getattr(network.inputs[0], "dtype", "float32")) if getattr(network, "inputs", None) else "float32"
    if "float" not in kind:
        lookup = next((layer for layer in leaves(network) if type(layer).__name__ in LOOKUPS), None)
        begin = "keras.Input((H, W, C))" if len(shape) == 4 else f"keras.Input({shape[1:]})"
        raise UserError(
            f"{path} takes {kind}, which needs a cast that no engine here has in int8: "
            + (
                f"do what layer '{lookup.name}' ({type(lookup).__name__}) does before the network, and give it the "
                "vectors that come out"
                if lookup is not None
                else f"begin it with {begin} without a dtype, which takes float32, copy the weights, and save again"
            )
        )
    if shape[0] not in (None, 1):
        try:
            network(np.zeros((1, *(size or 1 for size in shape[1:])), np.float32), training=False)
        except Exception:  # of the layers' own code
            raise UserError(
                f"{path} works with a batch of {shape[0]} alone, and a device has one sample at a time: begin it with "
                "keras.Input(shape), reshape with -1 in the place of the batch, copy the weights, and save again"
            ) from None


def fitting_labels(
    network: Any, labelled: tuple[Any, Any], every_class: bool, notes: list[str]
) -> tuple[Any, Any] | None:
    """The images and labels, unless the network has another number of classes: a note then."""
    shape, classes = network.output_shape, int(labelled[1].max()) + 1
    outputs = max(2, shape[1]) if len(shape) == 2 else 0
    if classes == outputs or (classes < outputs and not every_class):
        return labelled
    if classes == outputs + 1 and labelled[1].min() == 1:
        notes.append(f"the labels go from 1 to {outputs} and its classes from 0: they are taken as one less")
        return labelled[0], labelled[1] - 1
    notes.append(
        f"it has {outputs or 'no'} classes and the calibration {noun(labelled[0])}' labels {classes}: they are taken "
        "without labels"
    )
    return None
