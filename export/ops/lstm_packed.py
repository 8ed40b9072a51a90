"""UNIDIRECTIONAL_SEQUENCE_LSTM with the four gates of a unit side by side: the kernel `lstm_packed_s8`."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from tinyproof.export.ops.kind import Call, Fast, Kernel, Params
from tinyproof.export.ops.lstm import LstmCell, LstmParams
from tinyproof.export.ops.packed import DSP, pack_bytes, rounded_up
from tinyproof.export.ops.window import Window
from tinyproof.optimize import Optimize


@dataclass(frozen=True, eq=False)
class LstmPackedParams(Params):
    """The members of `lstm_packed_params`."""

    c_type: ClassVar[str] = "lstm_packed_params"

    x_weights: NDArray[np.int8]  # (y_c, quads of x, 4, 4)
    hidden_weights: NDArray[np.int8]  # (y_c, quads of y, 4, 4)
    bias: NDArray[np.int32]  # (y_c, 2, 4)
    scales: NDArray[np.int32]  # (4, 4)
    steps: int
    x_c: int
    y_c: int
    cell: LstmCell


def by_unit(weights: NDArray[np.int8]) -> NDArray[np.int8]:
    """weights (4 gates, y_c, n) -> (y_c, quads, 4, 4): the gates of a unit are the group."""
    gates, y_c, n = weights.shape
    return pack_bytes(weights.swapaxes(0, 1).reshape(y_c * gates, n))


def scratch_bytes(params: LstmPackedParams) -> int:
    """What a step sees in 16 bits, and the cell's state."""
    return 2 * (rounded_up(params.x_c) + rounded_up(params.y_c) + params.y_c)


KERNEL = Kernel("lstm_packed", scratch_bytes, folder=DSP)


def fit(call: Call, pool: Window | None, optimize: Optimize) -> Call | None:
    """Always: the weights stay bytes, and the sums are those of the plain kernel."""
    lstm = call.params
    if pool or not isinstance(lstm, LstmParams):
        return None
    params = LstmPackedParams(
        x_weights=by_unit(lstm.x_weights),
        hidden_weights=by_unit(lstm.hidden_weights),
        bias=np.stack([lstm.x_bias.T, lstm.hidden_bias.T], axis=1),
        scales=lstm.scales,
        steps=lstm.steps,
        x_c=lstm.x_c,
        y_c=lstm.y_c,
        cell=lstm.cell,
    )
    return replace(call, kernel=KERNEL, params=params)


FAST = Fast(KERNEL, fit)
