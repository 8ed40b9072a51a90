"""The conversion's own process: `python -m tinyproof.export.conversion.child <folder>`.

Reads job.json, images.npy and, where there are some, labelled.npz of the folder. Leaves model.tflite and fidelity.json,
or error.txt with one line; stage.txt says at any time what is being done.
"""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinyproof import advice
from tinyproof.console import UserError
from tinyproof.export.pixels import AUTO
from tinyproof.fidelity import FLOAT_FILE, NUMBERS, save_fidelity

CONVERT_IT = "convert it with tf.lite.TFLiteConverter, int8 and a batch of one, and give the .tflite"
OWN_SHAPE = "calibrate with an .npy of float32 samples of its own input's shape"


def main(folder: Path) -> None:
    """Do the job; every error that can be put into words is in error.txt afterwards."""
    job = json.loads((folder / "job.json").read_text())
    try:
        notes = _work(folder, job)
        (folder / "notes.json").write_text(json.dumps(notes))
    except UserError as error:
        (folder / "error.txt").write_text(error.message)
    except ModuleNotFoundError as error:
        (folder / "error.txt").write_text(f"quantizing needs the Python package {error.name}: install tinyproof[train]")
    except MemoryError:
        (folder / "error.txt").write_text(f"{job['keras']}: memory does not suffice to convert it")


def _stage(folder: Path, text: str) -> None:
    (folder / "stage.txt").write_text(text)


def _work(folder: Path, job: dict[str, str]) -> list[str]:
    from tinyproof.export.conversion.loading import load_network
    from tinyproof.export.conversion.wanted_pixels import wanted_pixels

    path = Path(job["keras"])
    images = np.load(folder / "images.npy") if (folder / "images.npy").exists() else None
    _stage(folder, "loading it")
    loaded = load_network(path, folder, None if images is None else tuple(images.shape[1:]), job["remedy"])
    network = loaded.network
    _check_ends(network, path)
    if images is not None:
        images = as_numbers(network, images)
        if images.dtype != np.uint8:
            return _work_numbers(folder, job, loaded, images)
    shape = _image_shape(network, path)
    if images is None:
        (folder / "shape.json").write_text(json.dumps(shape))
        return loaded.notes
    if shape != images.shape[1:]:
        raise UserError(f"{path} takes {shape} but the images beside it are {images.shape[1:]}; {job['other']}")
    labelled = _labelled(folder)
    if labelled is not None:
        labelled = fitting_labels(network, labelled, job["every_class"] == "True", loaded.notes)
    _stage(folder, "looking for the range of pixels that it wants")
    pixels: tuple[str, str]
    if job["pixels"] == AUTO:
        pixels = wanted_pixels(network, labelled[0] if labelled else images, labelled[1] if labelled else None)
    else:
        pixels = job["pixels"], job["why"]
    return _make(folder, job, loaded, images, pixels, labelled)


def _work_numbers(folder: Path, job: dict[str, str], loaded: Any, samples: NDArray[np.float32]) -> list[str]:
    """The same with samples float32 (N,...), which the network gets as they are."""
    network, path = loaded.network, Path(job["keras"])
    shape = tuple(network.input_shape[1:])
    if job["pixels"] != AUTO:
        raise UserError(f"{path} gets samples as they are, not pixels: leave {advice.name_of('pixels')} out")
    if None in shape:
        raise UserError(f"{path} takes {(None, *shape)}, which is no one size: {CONVERT_IT}")
    if shape != samples.shape[1:]:
        raise UserError(f"{path} takes {shape} but the samples beside it are {samples.shape[1:]}: {OWN_SHAPE}")
    labelled = _labelled(folder)
    if labelled is not None:
        labelled = fitting_labels(network, (samples, labelled[1]), True, loaded.notes)
    return _make(folder, job, loaded, samples, (NUMBERS, "the samples are numbers, used as they are"), labelled)


def _labelled(folder: Path) -> tuple[NDArray[Any], NDArray[Any]] | None:
    """The labelled images and their labels; None where there are none."""
    if not (folder / "labelled.npz").exists():
        return None
    with np.load(folder / "labelled.npz") as file:
        return file["x"], file["y"]


def _make(
    folder: Path,
    job: dict[str, str],
    loaded: Any,
    images: NDArray[Any],
    pixels: tuple[str, str],
    labelled: tuple[Any, Any] | None,
) -> list[str]:
    from tinyproof.export.conversion.compare import compare
    from tinyproof.export.conversion.convert import convert_float
    from tinyproof.export.conversion.probe import guilty_layer
    from tinyproof.export.conversion.wanted_pixels import odd_numbers, scaled

    network = loaded.network
    if job["kind"] == "probe":
        guilty = guilty_layer(network, scaled(images[:1], pixels[0]), lambda place: _stage(folder, place))
        (folder / "guilty.txt").write_text(guilty)
        return []
    content = _convert(folder, network, images, pixels[0], job["keras"])
    if content is None:
        return []
    _stage(folder, "comparing it with the float network")
    plain = convert_float(network, images.shape[1:], pixels[0])
    (folder / FLOAT_FILE).write_bytes(plain)
    found = compare(network, content, plain, images, pixels, labelled)
    odd = odd_numbers(network, images) if pixels[0] == NUMBERS else []
    save_fidelity(folder, replace(found, cautions=odd + found.cautions))
    notes: list[str] = loaded.notes
    return notes


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


def _image_shape(network: Any, path: Path) -> tuple[int, int, int]:
    """Height, width and channels of the one input. UserError for a network that takes no images."""
    shape = network.input_shape
    if len(shape) != 4 or None in shape[1:]:
        raise UserError(
            f"{path} takes {shape}, not one input of images (N,H,W,C) of one size: {OWN_SHAPE}, or {CONVERT_IT}"
        )
    return shape[1], shape[2], shape[3]


def _check_ends(network: Any, path: Path) -> None:
    """UserError for a network with several inputs or outputs, or an input that is no float."""
    shape = getattr(network, "input_shape", None)
    if not isinstance(shape, tuple) or len(shape) < 2 or not all(size is None or type(size) is int for size in shape):
        raise UserError(f"{path} takes {shape}, not one input: {CONVERT_IT}")
    outputs = getattr(network, "output_shape", None)
    if isinstance(outputs, (list, dict)):
        raise UserError(f"{path} has {len(outputs)} outputs, not one: {CONVERT_IT}")
    kind = str(getattr(network.inputs[0], "dtype", "float32")) if getattr(network, "inputs", None) else "float32"
    if "float" not in kind:
        raise UserError(
            f"{path} takes {kind}, which needs a cast that no engine here has in int8: begin it with "
            "keras.Input((H, W, C)) without a dtype, which takes float32, copy the weights, and save again"
        )


def fitting_labels(
    network: Any, labelled: tuple[Any, Any], every_class: bool, notes: list[str]
) -> tuple[Any, Any] | None:
    """The images and labels, unless the network has another number of classes: a note then."""
    from tinyproof.export.conversion.wanted_pixels import noun

    shape, classes = network.output_shape, int(labelled[1].max()) + 1
    outputs = max(2, shape[1]) if len(shape) == 2 else 0
    if classes == outputs or (classes < outputs and not every_class):
        return labelled
    notes.append(
        f"it has {outputs or 'no'} classes and the calibration {noun(labelled[0])}' labels {classes}: they are taken "
        "without labels"
    )
    return None


def _convert(folder: Path, network: Any, images: NDArray[Any], pixels: str, source: str) -> bytes | None:
    """The `.tflite`, also in the folder; None where the converter refuses, with the reason in refused.txt."""
    from tinyproof.export.conversion.convert import convert, one_line, with_full_range
    from tinyproof.export.conversion.probe import strange_layer
    from tinyproof.export.tflite_reader import read_graph

    _stage(folder, "converting it")
    try:
        content = convert(network, images if pixels == NUMBERS else with_full_range(images), pixels)
    except UserError as error:
        (folder / "refused.txt").write_text(error.message)
        return None
    except Exception as error:  # of the converter, whatever it raises
        (folder / "refused.txt").write_text(f"The converter cannot make an int8 model of it: {one_line(error)}")
        return None
    (folder / "model.tflite").write_bytes(content)
    if why := strange_layer(read_graph(content, source), network):
        (folder / "refused.txt").write_text(why)
        return None
    return content


if __name__ == "__main__":
    main(Path(sys.argv[1]))
