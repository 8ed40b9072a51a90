"""A model that a page can show: one picture in, one row of numbers out. Its test pictures, where it came with some.

A model from elsewhere has none and may have no names for its classes: then there is something to draw on, and numbers.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from tinyproof.console import UserError
from tinyproof.export.tflite_reader import read_graph
from tinyproof.manifest import TFLITE_FILE, Manifest, TensorInfo
from tinyproof.model_files import SPLITS_FILE, Splits
from tinyproof.training.lab.trained import Trained, load_classes, load_images, read_layers, shape_text


def load_playable(folder: Path, manifest: Manifest) -> Trained:
    """The model in the folder. UserError where it takes or gives something else."""
    x, y = _ends(folder, manifest)
    content = (folder / TFLITE_FILE).read_bytes()
    graph = read_graph(content, str(folder / TFLITE_FILE))
    if (folder / SPLITS_FILE).is_file():
        splits, labels = load_images(folder, x.shape), load_classes(folder, y.size_bytes)
    else:
        splits, labels = _no_images(x.shape), manifest.labels or _numbers(y.size_bytes)
    return Trained(folder.resolve().name, content, graph, read_layers(graph), labels, splits)


def _ends(folder: Path, manifest: Manifest) -> tuple[TensorInfo, TensorInfo]:
    """Its input and its output."""
    shapes = [", ".join(shape_text(one.shape[1:]) for one in ends) for ends in (manifest.inputs, manifest.outputs)]
    if manifest.picture is None:
        raise UserError(
            f"{folder}: a page draws on one picture, grey or in colour; this model takes {shapes[0]}"
            + ("" if manifest.pixel_input else ", which are no pixels")
        )
    y = manifest.outputs[0]
    if len(manifest.outputs) != 1 or max(y.shape) != y.size_bytes:
        raise UserError(f"{folder}: a page shows one row of scores; this model gives {shapes[1]}")
    return manifest.inputs[0], y


def _no_images(shape: tuple[int, ...]) -> Splits:
    none = np.zeros((0, *shape[1:]), np.uint8)
    index = np.zeros(0, np.int64)
    return Splits(none, none, np.zeros(0, np.int32), index, index, index)


def _numbers(count: int) -> tuple[str, ...]:
    """Names for what has none.

    >>> _numbers(3), _numbers(1)
    (('class 0', 'class 1', 'class 2'), ('output',))
    """
    return tuple(f"class {number}" for number in range(count)) if count > 1 else ("output",)
