"""What several ops' options share, out of the flatbuffer's numbers. ValueError for an unknown number."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import tflite

from tinyproof.export.graph import Activation, OpOptions, Padding

ACTIVATIONS = {code: name for name, code in vars(tflite.ActivationFunctionType).items() if name.isupper()}
PADDINGS = {tflite.Padding.SAME: Padding.SAME, tflite.Padding.VALID: Padding.VALID}


def parse_activation(code: int) -> Activation:
    """The fused activation function of that number."""
    return Activation(ACTIVATIONS.get(code))


def parse_padding(code: int) -> Padding:
    """The padding of that number."""
    if code not in PADDINGS:
        raise ValueError(f"padding {code}")
    return PADDINGS[code]


@dataclass(frozen=True)
class ActivationOptions(OpOptions):
    """The options of an op that has no others, as in the file."""

    activation: Activation


def activation_parser(table_class: Any) -> Callable[[Any], ActivationOptions]:
    """The `parse` of an op whose options are a `table_class` of the schema."""

    def parse(table: Any) -> ActivationOptions:
        options = table_class()
        options.Init(table.Bytes, table.Pos)
        return ActivationOptions(parse_activation(options.FusedActivationFunction()))

    return parse
