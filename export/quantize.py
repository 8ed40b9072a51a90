"""Turns a Keras model into a full-integer `.tflite`, in a process of its own (export/conversion): no TensorFlow here.

Calibration uses training images alone. What the converter was asked for is checked on what it made: its flags have
changed meaning between versions, the bytes cannot.
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import numpy as np

from tinyproof import advice, missing
from tinyproof.console import UserError
from tinyproof.export.calibration import (
    calibration_labels,
    check_calibration,
    holds_pictures,
    load_calibration,
    load_pictures,
)
from tinyproof.export.conversion.configuration import picture_shape, read_configuration
from tinyproof.export.conversion.loading import check_keras_file, is_hdf5
from tinyproof.export.conversion.process import Converted, Job, convert_apart, input_shape
from tinyproof.export.device_input import PIXEL_SCALE, PIXEL_ZERO_POINT, is_pixel_input
from tinyproof.export.emit_settings import tensor_info
from tinyproof.export.graph import Graph
from tinyproof.export.lower import check_ends
from tinyproof.export.ops.dense import DENSE
from tinyproof.export.pixels import AUTO, HELP, taken
from tinyproof.export.tflite_reader import read_graph
from tinyproof.fidelity import NUMBERS
from tinyproof.model_files import KERAS_FILE, SPLITS_FILE, load_splits

CONVERTERS = ("tensorflow-cpu", "tensorflow", "keras")  # packages that decide what is converted to
REMEDY = "give a .keras file that this version of Keras saved"
LABELLED = 500  # test pictures on which int8 is held against float


def deciding_code() -> list[Path]:
    """The sources that decide, beside those packages, what is converted to."""
    here = Path(__file__).parent
    names = ("quantize.py", "calibration.py", "pixels.py", "remedies.py")
    return [*(here / name for name in names), *sorted((here / "conversion").glob("*.py"))]


def quantize_model(model: Path, against_loss: str = "") -> Converted:
    """The `.tflite` of the model in the folder: int8 in and out, a batch of one, Dense quantized per tensor.

    `against_loss` is a name of `export.remedies`, TRY, or '' to try them where much is lost.

    UserError when files are missing, TensorFlow is, or the result is not what a device can run.
    """
    path, again = model / KERAS_FILE, f"run `{advice.command('train')}` to make "
    if not path.is_file():
        raise UserError(f"{path} does not exist: run `{advice.command('train')}` first")
    splits = load_splits(model / SPLITS_FILE)
    labelled = splits.x_test[:LABELLED], splits.y_test[:LABELLED]
    why = "the training took them so"
    words = f"{again}it again", f"{again}both again"
    return _convert(Job(path, *words, "0..1", why, splits.x_calibration, labelled, against_loss=against_loss))


def quantize_keras(path: Path, calibration: Path, pixels: str = AUTO, against_loss: str = "") -> Converted:
    """The same of a Keras model from elsewhere, calibrated with images or samples of the user's (`export.calibration`).

    `pixels` is what the network takes a pixel as, a name of `export.pixels`, or AUTO to find out. UserError where it
    cannot be such a model.
    """
    if pixels != AUTO and taken(pixels) is None:
        raise UserError(f"unknown range of pixels {pixels!r}: give {HELP}")
    check_calibration(calibration)
    check_keras_file(path, REMEDY)
    _require_tensorflow()
    other = "give images of its size"
    images = None if holds_pictures(calibration) else load_calibration(calibration, None)
    if images is not None and images.dtype != np.uint8 and pixels != AUTO:
        raise UserError(
            f"{calibration} holds numbers, not pixels (images uint8), and the network gets them as they are: leave "
            f"{advice.name_of('pixels')} out"
        )
    if images is None:
        said = None if is_hdf5(path) else picture_shape(read_configuration(path))
        shape = said or input_shape(Job(path, REMEDY, other, pixels, "", None))
        images, y = load_pictures(calibration, shape)
    else:
        y = calibration_labels(calibration)
    labelled = None if y is None else (images, y)
    every_class = holds_pictures(calibration)
    return _convert(Job(path, REMEDY, other, pixels, "it was asked for", images, labelled, every_class, against_loss))


def _convert(job: Job) -> Converted:
    _require_tensorflow()
    made = convert_apart(job)
    graph = read_graph(made.content, str(job.keras))
    check_quantized(graph, made.fidelity.pixels != NUMBERS)
    return made


def _require_tensorflow() -> None:
    for name in ("keras", "tensorflow"):
        if find_spec(name) is None:
            raise UserError(f"quantizing needs the Python package {name}: {missing.cure('[train]')}")


def check_quantized(graph: Graph, takes_pixels: bool = True) -> None:
    """Raise UserError unless the model has the properties that later stages and old runtimes rely on."""
    x = tensor_info(check_ends(graph)[0][0])
    if takes_pixels and not is_pixel_input(x, PIXEL_SCALE):
        raise UserError(
            f"{graph.source}: its input has scale {x.scale:.6g} and zero point {x.zero_point}, not {PIXEL_SCALE:.6g} "
            f"and {PIXEL_ZERO_POINT}; preprocessing must map pixels 0..255 to 0..1."
        )
    for op in graph.ops:
        weights = graph.tensors[op.inputs[1]].quantization if op.name == DENSE.tflite_name else None
        if weights is not None and weights.scale.size > 1:
            raise graph.refusal(op, "its weights came out quantized per channel, which older runtimes misread silently")
