"""Which layers no fast kernel of a core computes, and why not.

The reason is found by asking again: a fast kernel that takes the layer with other numbers refuses it for its numbers,
one that takes it with `--optimize fast` for its weights' bytes. What none takes even so has a shape of its own.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from tinyproof.cores import Core
from tinyproof.export.cost import modelled_cycles, step_cycles
from tinyproof.export.ops import FAST, macs_of
from tinyproof.export.ops.copy import MOVE
from tinyproof.export.ops.kind import Call, Params
from tinyproof.export.ops.requantize import OutputStage
from tinyproof.export.program import Program, Step
from tinyproof.optimize import Optimize

LARGE = 10_000  # multiply-accumulates from which a layer is worth a word
TAME_MULTIPLIER, TAME_SHIFT = 2**30, -8


def plain_layers(program: Program, core: Core, optimize: Optimize) -> dict[str, str]:
    """By the names of the steps that multiply much on a plain kernel: why, and what share of the time they take."""
    if not core.kernels:
        return {}
    found = {}
    for step in program.steps:
        if step.kernel.folder == "" and step.kernel is not MOVE and macs_of(program.graph, step.ops) >= LARGE:
            found[step.name] = f"{_share(program, step, core)}: {_reason(step, core, optimize)}"
    return found


def _share(program: Program, step: Step, core: Core) -> str:
    """Its layer's part of an inference's modelled cycles, in words."""
    same = (other for other in program.steps if (other.ops, other.kernel) == (step.ops, step.kernel))
    try:
        cycles = sum(step_cycles(other, core) for other in same)
        return f"{cycles / modelled_cycles(program, core):.0%} of the time"
    except KeyError:  # while a kernel is given its first price
        return "an unknown part of the time"


def _reason(step: Step, core: Core, optimize: Optimize) -> str:
    """In words; the step is not computed by a fast kernel."""
    if _fits(step, step.params, core, Optimize.FAST):
        return f"its weights take more flash than --optimize {optimize.value} grants; --optimize fast packs them"
    tame = _tamed(step.params)
    if tame and (_fits(step, tame, core, optimize) or _fits(step, tame, core, Optimize.FAST)):
        return "the sums of one of its channels are too large, or their scale too unusual, for the fast kernels"
    # The fast kernels of a plain one have its name in front of their own.
    if not any(one.kernel.name.startswith(f"{step.kernel.name}_") for one in FAST):
        return f"{step.op.name} has no fast kernel"
    window = getattr(step.params, "window", None)
    if window is None:
        return "a shape that the fast kernels do not take"
    shape = f"{window.k_h}x{window.k_w} windows, stride {window.stride_h}x{window.stride_w}"
    if window.dilation_h * window.dilation_w > 1:
        shape += f", dilation {window.dilation_h}x{window.dilation_w}"
    return f"{shape}, {window.x_c} channels to {window.y_c}: a shape that the fast kernels do not take"


def _fits(step: Step, params: Params, core: Core, optimize: Optimize) -> bool:
    call = Call(step.kernel, step.ops, tuple(x.index for x in step.xs), step.y.index, params)
    return any(one.kernel.folder in core.kernels and one.fit(call, None, optimize) for one in FAST)


def _tamed(params: Params) -> Params | None:
    """The same layer with small weights and a usual scale; None for one without an output stage."""
    output = getattr(params, "output", None)
    if not isinstance(output, OutputStage):
        return None
    usual = replace(
        output,
        multiplier=np.full_like(output.multiplier, TAME_MULTIPLIER),
        shift=np.full_like(output.shift, TAME_SHIFT),
    )
    numbers = {name: np.zeros_like(getattr(params, name)) for name in ("weights", "bias")}
    return replace(params, output=usual, **numbers)  # type: ignore[call-arg]
