"""Turns `model.keras` into a full-integer `.tflite`; the only file of the export that needs TensorFlow.

Calibration uses training images alone. What the converter was asked for is checked on what it made: its flags have
changed meaning between versions, the bytes cannot.
"""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinyproof import advice
from tinyproof.backend import load_keras, quiet
from tinyproof.console import UserError
from tinyproof.export.calibration import check_calibration, load_calibration
from tinyproof.export.emit import PIXEL_SCALE, PIXEL_ZERO_POINT, is_pixel_input
from tinyproof.export.emit_settings import tensor_info
from tinyproof.export.graph import Graph
from tinyproof.export.lower import check_ends
from tinyproof.export.ops.dense import DENSE
from tinyproof.export.pixels import PIXELS
from tinyproof.export.tflite_reader import read_graph
from tinyproof.model_files import KERAS_FILE, SPLITS_FILE, load_splits
from tinyproof.preprocess import preprocess

CONVERTERS = ("tensorflow-cpu", "tensorflow", "keras")  # packages that decide what is converted to


def deciding_code() -> list[Path]:
    """The sources that decide, beside those packages, what is converted to."""
    return [Path(__file__).with_name(name) for name in ("quantize.py", "calibration.py", "pixels.py")]


def quantize_model(model: Path) -> bytes:
    """The `.tflite` of the model in the folder: int8 in and out, a batch of one, Dense quantized per tensor.

    UserError when files are missing, TensorFlow is, or the result is not what a device can run.
    """
    path = model / KERAS_FILE
    if not path.is_file():
        raise UserError(f"{path} does not exist: run `{advice.command('train')}` first")
    splits = load_splits(model / SPLITS_FILE)
    try:
        network = _load(path, f"run `{advice.command('train')}` to make it again")
        if tuple(network.input_shape[1:]) != splits.x_calibration.shape[1:]:
            raise UserError(
                f"{path} takes {network.input_shape[1:]} but the images beside it are "
                f"{splits.x_calibration.shape[1:]}; run `{advice.command('train')}` to make both again"
            )
        content = convert(network, with_full_range(splits.x_calibration))
    except ModuleNotFoundError as error:
        raise UserError(f"quantizing needs the Python package {error.name}: install tinyproof[train]") from None
    check_quantized(read_graph(content, str(path)))
    return content


def quantize_keras(path: Path, calibration: Path, pixels: str) -> bytes:
    """The same of a Keras model from elsewhere, calibrated with images of the user's (`export.calibration`).

    `pixels` is what the network takes a pixel as, a name of PIXELS. UserError where it cannot be such a model.
    """
    if pixels not in PIXELS:
        raise UserError(f"unknown range of pixels {pixels!r}: choose one of {', '.join(PIXELS)}")
    check_calibration(calibration)
    try:
        network = _load(path, "give a .keras file that this version of Keras saved")
    except ModuleNotFoundError as error:
        raise UserError(f"quantizing needs the Python package {error.name}: install tinyproof[train]") from None
    shape = network.input_shape
    if isinstance(shape, (list, dict)) or len(shape) != 4 or None in shape[1:]:
        raise UserError(f"{path} takes {shape}: a model with one input of images (N,H,W,C) of one size can be exported")
    _check_pixels(path, network, pixels)
    images = load_calibration(calibration, tuple(shape[1:]))
    content = convert(network, with_full_range(images), pixels)
    check_quantized(read_graph(content, str(path)))
    return content


def _check_pixels(path: Path, network: Any, pixels: str) -> None:
    """Raise UserError where the network scales pixels itself and would have them scaled twice."""
    scaling = [layer.name for layer in network.layers if type(layer).__name__ in ("Rescaling", "Normalization")]
    if scaling and pixels != "0..255":
        raise UserError(
            f"{path} scales its input itself (layer '{scaling[0]}'), so it takes pixels as they are: add "
            f"{advice.setting('pixels', '0..255')}"
        )


def with_full_range(images: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The images uint8 (N,H,W,C), with two corner pixels of the first set to 0 and 255 unless some image has them.

    The converter takes the input's range from what it sees; this makes it that of a pixel, at no cost in accuracy.

    >>> with_full_range(np.full((1, 1, 2, 1), 99, np.uint8)).ravel()
    array([  0, 255], dtype=uint8)
    """
    if images.min() == 0 and images.max() == 255:
        return images
    changed = images.copy()
    changed[0, 0, 0], changed[0, -1, -1] = 0, 255
    return changed


def convert(network: Any, x_calibration: NDArray[np.uint8], pixels: str = "0..1") -> bytes:
    """A Keras network -> `.tflite` bytes, calibrated with images uint8 (N,H,W,C). UserError when it cannot be.

    The model's input is a pixel divided by 255; where the network takes pixels otherwise, ops before it see to that.
    """
    keras = load_keras()
    import tensorflow as tf

    # A fixed batch keeps the shape arithmetic of a dynamic one (four ops) out of the model.
    x = keras.Input(batch_shape=(1, *x_calibration.shape[1:]), name="input")
    # Keras numbers models without a name, which would make other bytes of a model converted for the second time.
    scale, offset = PIXELS[pixels]
    scaled = x if (scale, offset) == (1, 0) else keras.layers.Rescaling(scale, offset, name="pixels")(x)
    fixed = keras.Model(x, network(scaled, training=False), name="fixed")
    converter = tf.lite.TFLiteConverter.from_keras_model(fixed)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = lambda: ([preprocess(image[np.newaxis])] for image in x_calibration)
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    converter.inference_input_type = tf.int8
    converter.inference_output_type = tf.int8
    # Runtimes from before mid-2024 read only the first scale of a Dense layer, and give wrong results silently.
    converter._experimental_disable_per_channel_quantization_for_dense_layers = True
    try:
        with quiet():
            content: bytes = converter.convert()
    except (ValueError, RuntimeError) as error:
        raise UserError(f"The converter cannot make an int8 model of the network: {_one_line(error)}") from None
    return content


def check_quantized(graph: Graph) -> None:
    """Raise UserError unless the model has the properties that later stages and old runtimes rely on."""
    x = tensor_info(check_ends(graph)[0][0])
    if not is_pixel_input(x):
        raise UserError(
            f"{graph.source}: its input has scale {x.scale:.6g} and zero point {x.zero_point}, not {PIXEL_SCALE:.6g} "
            f"and {PIXEL_ZERO_POINT}; preprocessing must map pixels 0..255 to 0..1."
        )
    for op in graph.ops:
        weights = graph.tensors[op.inputs[1]].quantization if op.name == DENSE.tflite_name else None
        if weights is not None and weights.scale.size > 1:
            raise graph.refusal(op, "its weights came out quantized per channel, which older runtimes misread silently")


def _load(path: Path, advice: str) -> Any:
    if not path.exists():
        raise UserError(f"{path} does not exist: {advice}")
    if path.suffix != ".h5" and not zipfile.is_zipfile(path):
        raise UserError(f"{path} is no .keras file, or only a part of one: {advice}")
    keras = load_keras()
    try:
        return keras.models.load_model(path, compile=False)
    except (ValueError, OSError, TypeError, KeyError) as error:
        raise UserError(f"{path} cannot be loaded ({_one_line(error)}): {advice}") from None


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())[:300]
