"""The feature maps of a trained model as a device computes them, layer by layer, beside the golden's.

For every layer the model is cut off behind it, exported, built and run like any other model. The compiled engine fuses
a convolution with the pooling behind it, so the shorter model may use another kernel than the whole one; all of them
owe the golden's bytes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from export.device_input import device_bytes
from export.emit_settings import tensor_info
from firmware.boards import Board
from host.transport import BAUD
from training.lab.device import DeviceRun, run_on_device
from training.lab.trained import Layer, Trained, to_real
from training.lab.truncation import truncate


@dataclass(frozen=True, eq=False)
class LayerRun:
    """What a device handed on at one layer: its maps as real numbers (N,h,w,c), and the run they came from."""

    layer: Layer
    maps: NDArray[np.float32]
    run: DeviceRun


def maps_on_device(
    trained: Trained,
    images: NDArray[np.uint8],
    folder: Path,
    board: Board,
    layers: Sequence[Layer] | None = None,
    port: str | None = None,
    baud: int = BAUD,
) -> tuple[LayerRun, ...]:
    """Stream images uint8 (N,H,W,C) through `layers`, by default all that make pictures.

    `folder` takes a model folder for each.
    """
    inputs = device_bytes(tensor_info(trained.graph.tensors[trained.graph.inputs[0]]), images)
    rows = inputs.reshape(len(inputs), -1)
    runs = []
    for layer in trained.map_layers if layers is None else layers:
        cut = truncate(trained.tflite, layer.op.index)
        run = run_on_device(cut, folder / layer.name, rows, board, port, baud)
        runs.append(LayerRun(layer, to_real(trained, layer, run.outputs), run))
    return tuple(runs)
