"""The enumerations that several ops' options share, out of the flatbuffer's numbers. ValueError for an unknown one."""

from __future__ import annotations

import tflite

from export.graph import Activation, Padding

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
