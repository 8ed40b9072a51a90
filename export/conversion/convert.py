"""The call of TensorFlow's converter: a Keras network and images in, the bytes of a `.tflite` out."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinyproof.backend import load_keras, quiet
from tinyproof.console import UserError
from tinyproof.export.adapting import adapted
from tinyproof.export.conversion.lost_scales import with_written_scales
from tinyproof.export.pixels import Taken, taken
from tinyproof.preprocess import preprocess
from tinyproof.scratch import check_room

FLOAT_BYTES, AROUND_BYTES = 4, 1 << 20  # a weight that is saved, and what is saved beside them
COLOURS = re.compile(r"\x1b\[[0-9;]*m")  # of a terminal


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


def convert(network: Any, x_calibration: NDArray[Any], pixels: str = "0..1") -> bytes:
    """A Keras network -> `.tflite` bytes, calibrated with images uint8 (N,H,W,C), or with samples float32 (N,...)
    where `pixels` is NUMBERS. UserError when it cannot be.

    The model's input is the sample, or a pixel divided by 255; where the network takes pixels otherwise, ops before it
    see to that.
    """
    try:
        return run_converter(_fixed(network, x_calibration.shape[1:], pixels), as_inputs(x_calibration))
    except (ValueError, RuntimeError) as error:
        raise UserError(f"The converter cannot make an int8 model of the network: {one_line(error)}") from None


def convert_float(network: Any, shape: tuple[int, ...], pixels: str) -> bytes:
    """The same network unquantized, for images (H,W,C): its tensors have the names of the int8 model's."""
    return run_converter(_fixed(network, shape, pixels), None)


def _fixed(network: Any, shape: tuple[int, ...], pixels: str) -> Any:
    keras = load_keras()
    # A fixed batch keeps the shape arithmetic of a dynamic one (four ops) out of the model.
    x = keras.Input(batch_shape=(1, *shape), name="input")
    # Keras numbers models without a name, which would make other bytes of a model converted for the second time.
    how = taken(pixels)
    return keras.Model(x, network(x if how is None else _as_taken(x, how), training=False), name="fixed")


def _as_taken(x: Any, how: Taken) -> Any:
    """A pixel divided by 255 as the network takes it; channels told apart by a convolution of one pixel."""
    layers = load_keras().layers
    if not how.by_channel:
        (scale,), (offset,) = how.scale, how.offset
        return x if (scale, offset) == (1, 0) else layers.Rescaling(scale, offset, name="pixels")(x)
    channels = 3
    mixed = layers.Conv2D(channels, 1, name="pixels")
    y = mixed(x)
    places = np.arange(channels)[::-1] if how.blue_first else np.arange(channels)
    kernel = np.zeros((1, 1, channels, channels), np.float32)
    kernel[0, 0, places, np.arange(channels)] = np.broadcast_to(np.array(how.scale, np.float32), channels)
    mixed.set_weights([kernel, np.broadcast_to(np.array(how.offset, np.float32), channels)])
    return y


def run_converter(model: Any, inputs: list[NDArray[np.float32]] | None) -> bytes:
    """A Keras model of a fixed batch -> `.tflite` bytes: int8, calibrated with `inputs`, or float32 without any."""
    content = _converted(_converter(model, inputs), model)
    return content if inputs is None else as_written(content)


def _converted(converter: Any, model: Any) -> bytes:
    """What it gives. It first saves the network in the folder for temporary files, and passes over an error there."""
    try:
        with quiet():
            content: bytes = converter.convert()
    except TypeError:
        check_room(FLOAT_BYTES * model.count_params() + AROUND_BYTES)
        raise
    return content


def _converter(model: Any, inputs: list[NDArray[np.float32]] | None) -> Any:
    import tensorflow as tf

    converter = tf.lite.TFLiteConverter.from_keras_model(model)
    if inputs is not None:
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        converter.representative_dataset = lambda: ([x] for x in inputs)
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
        converter.inference_input_type = tf.int8
        converter.inference_output_type = tf.int8
        # Runtimes from before mid-2024 read only the first scale of a Dense layer, and give wrong results silently.
        converter._experimental_disable_per_channel_quantization_for_dense_layers = True
    return converter


def as_written(content: bytes) -> bytes:
    """The converter's int8 model with what it gets wrong put right."""
    return adapted(with_written_scales(content), "the converted model")


def convert_calibrated(network: Any, x_calibration: NDArray[Any], pixels: str) -> bytes:
    """As `convert`, up to where the converter would round: a float model, each tensor of which has its range."""
    fixed = _fixed(network, x_calibration.shape[1:], pixels)
    converter = _converter(fixed, as_inputs(x_calibration))
    converter._experimental_calibrate_only = True
    return _converted(converter, fixed)


def calibrated_again(content: bytes, x_calibration: NDArray[Any]) -> bytes:
    """Such a model, changed since, with its ranges taken anew."""
    from tensorflow.lite.python.optimize.calibrator import Calibrator

    with quiet():
        calibrated: bytes = Calibrator(content).calibrate(lambda: ([x] for x in as_inputs(x_calibration)))
    return calibrated


def convert_quantized(calibrated: bytes) -> bytes:
    """Such a model rounded to int8: `convert` is this of `convert_calibrated`."""
    import tensorflow as tf
    from tensorflow.lite.python.convert import mlir_quantize

    with quiet():
        content: bytes = mlir_quantize(
            calibrated,
            input_data_type=tf.int8,
            output_data_type=tf.int8,
            disable_per_channel_for_dense_layers=True,
        )
    return as_written(content)


def as_inputs(images: NDArray[Any]) -> list[NDArray[np.float32]]:
    """What the converted model takes, one after the other, of images uint8 or samples float32."""
    return [preprocess(x[np.newaxis]) if x.dtype == np.uint8 else x[np.newaxis] for x in images]


def one_line(error: Exception) -> str:
    """The words of an error in one line, without the arguments that Keras prints behind its own."""
    words = COLOURS.sub("", str(error)).split("Arguments received by")[0].split(".call().")[-1]
    return " ".join(words.split()).rstrip(".")
