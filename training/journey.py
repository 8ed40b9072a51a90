"""The journey of one image through a network: what each layer hands on, what it stores, what it costs.

Reads a built Keras model, changes nothing, and needs no TensorFlow of its own.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from rich.table import Table

from tinyproof.console import table


@dataclass(frozen=True)
class Step:
    """One layer: the shape it hands on (without the batch), its trained numbers, its multiply-accumulates an image."""

    name: str
    kind: str
    output_shape: tuple[int, ...]
    parameters: int
    macs: int


def trace(model: Any) -> tuple[Step, ...]:
    """Return a step for each layer of a built Keras model, in order, the input first.

    A layer with a kernel applies all of it at each output position, so
    MACs = output height * output width * kernel numbers for a convolution, and inputs * outputs for a dense layer.
    """
    steps = [Step("input", "Input", tuple(model.input_shape[1:]), parameters=0, macs=0)]
    for layer in model.layers:
        if type(layer).__name__ == "InputLayer":
            continue
        output_shape = tuple(layer.output.shape[1:])
        kernel = getattr(layer, "kernel", None)
        macs = 0 if kernel is None else math.prod(output_shape[:-1]) * math.prod(kernel.shape)
        steps.append(Step(layer.name, type(layer).__name__, output_shape, layer.count_params(), macs))
    return tuple(steps)


def journey_table(steps: tuple[Step, ...]) -> Table:
    """Lay the steps out as a table with the sums below."""
    result = table("The journey of one image", "layer", "kind", "output", "parameters", "MACs")
    for step in steps:
        shape = "x".join(str(side) for side in step.output_shape)
        result.add_row(step.name, step.kind, shape, f"{step.parameters:,}", f"{step.macs:,}")
    result.add_section()
    result.add_row("in all", "", "", f"{sum(s.parameters for s in steps):,}", f"{sum(s.macs for s in steps):,}")
    return result
