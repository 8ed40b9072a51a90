"""The feature maps of a trained model as a device computes them, beside the golden's.

The model is cut off behind its last layer of maps, and every one of those layers becomes an output. So it is exported,
built and run like any other model, once, or in a few parts where one firmware cannot hold all of them. The compiled
engine computes a convolution and the pooling behind it in one kernel where it can; with both asked for it takes two.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tinyproof.boards import Board
from tinyproof.export.truncation import truncate
from tinyproof.line import BAUD
from tinyproof.protocol import TENSOR_COUNT_LIMIT
from tinyproof.training.lab.device import DeviceRun, run_on_device
from tinyproof.training.lab.trained import Layer, Trained, input_bytes, split_layers, to_real

OUTPUT_BYTES = 64 << 10  # of the maps in one firmware; a quarter of a Cortex-M4's RAM


@dataclass(frozen=True, eq=False)
class LayerRun:
    """What a device handed on at one layer: its maps as real numbers (N,h,w,c), and how many bytes differ."""

    layer: Layer
    maps: NDArray[np.float32]
    compared: int
    different: int  # from the golden's
    run: DeviceRun  # with the other layers that went with it


def maps_on_device(
    trained: Trained,
    images: NDArray[np.uint8],
    folder: Path,
    board: Board,
    layers: Sequence[Layer] | None = None,
    port: str | None = None,
    baud: int = BAUD,
) -> tuple[LayerRun, ...]:
    """Stream images uint8 (N,H,W,C) through `layers`, by default all that make pictures; `folder` takes the models."""
    inputs = input_bytes(trained, images)
    made = []
    for part in parts(trained.map_layers if layers is None else layers):
        cut = truncate(trained.tflite, [layer.op.index for layer in part])
        run = run_on_device(cut, folder / part[-1].name, inputs, board, port, baud)
        for layer, device, golden in zip(
            part, split_layers(part, run.outputs), split_layers(part, run.golden), strict=True
        ):
            differs = int((device != golden).sum())
            made.append(LayerRun(layer, to_real(trained, layer, device), device.size, differs, run))
    return tuple(made)


def parts(layers: Sequence[Layer]) -> list[list[Layer]]:
    """The layers in order, in parts that one firmware can hold; a layer that is larger than that has one to itself."""
    found: list[list[Layer]] = []
    for layer in layers:
        together = [*found[-1], layer] if found else []
        if 0 < len(together) <= TENSOR_COUNT_LIMIT and sum(prod(la.shape) for la in together) <= OUTPUT_BYTES:
            found[-1] = together
        else:
            found.append([layer])
    return found
