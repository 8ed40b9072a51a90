"""L2_NORMALIZATION, the kernel `l2_normalization_s8`: along the last axis, to 1/128 whatever the file says."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import ClassVar

import tflite

from tinyproof.export.graph import Activation, Graph, Op
from tinyproof.export.ops import operands
from tinyproof.export.ops.enums import ActivationOptions, activation_parser
from tinyproof.export.ops.kind import Kernel, OpKind, Params, no_macs, one_call
from tinyproof.export.ops.requantize import INT32_MAX

MAX_RANK = 4  # TFLM's


@dataclass(frozen=True, eq=False)
class L2NormalizationParams(Params):
    """The members of `l2_normalization_params`."""

    c_type: ClassVar[str] = "l2_normalization_params"

    rows: int
    x_c: int
    x_zero_point: int


def fold(graph: Graph, op: Op) -> L2NormalizationParams:
    """All constants of the op (l2norm.cc)."""
    operands.check_arity(graph, op, inputs=(1,))
    x = operands.computed(graph, op, op.inputs[0])
    y = operands.computed(graph, op, op.outputs[0])
    if x.shape != y.shape or not 1 <= len(x.shape) <= MAX_RANK:
        raise graph.refusal(
            op, f"it turns {x.shape} into {y.shape}, of at most {MAX_RANK} axes; export the model again"
        )
    if isinstance(op.options, ActivationOptions) and op.options.activation is not Activation.NONE:
        raise graph.refusal(op, "TFLM normalizes without an activation; make the activation a layer of its own")
    if x.shape[-1] * max(127 - x.zero_point, x.zero_point + 128) ** 2 > INT32_MAX:
        raise graph.refusal(op, f"the squares of {x.shape[-1]} values can overflow 32 bits; normalize fewer")
    return L2NormalizationParams(prod(x.shape[:-1]), x.shape[-1], x.zero_point)


KERNEL = Kernel("l2_normalization", leads=lambda params: (0,))
L2_NORMALIZATION = OpKind(
    "l2_normalization",
    "L2_NORMALIZATION",
    tflite.BuiltinOptions.L2NormOptions,
    activation_parser(tflite.L2NormOptions),
    one_call(KERNEL, fold),
    no_macs,
)
