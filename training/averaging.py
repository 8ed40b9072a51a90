"""The mean of a network's weights over the epochs of the second half of a training run.

Where an epoch is short the weights go round a minimum that none of them is in; their mean lies nearer to it, and what
it answers depends less on the seed (Izmailov et al., arXiv:1803.05407).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


class Average:
    """The running mean of the trained variables of a model; the statistics of its normalizations stay the last ones."""

    def __init__(self, epochs: int, count: int = 0, mean: list[NDArray[np.float64]] | None = None) -> None:
        self.count, self.mean = count, mean or []
        self._first = epochs // 2 + 1

    def after_epoch(self, epoch: int, model: Any) -> None:
        """Take the weights in after an epoch, the first being 1; those of the first half are passed over."""
        if epoch < self._first:
            return
        self.count += 1
        weights = [np.asarray(weight.numpy(), np.float64) for weight in model.trainable_variables]
        self.mean = [
            old + (new - old) / self.count
            for old, new in zip(self.mean or map(np.zeros_like, weights), weights, strict=True)
        ]

    def apply(self, model: Any) -> None:
        """Give the model the mean, if there is one."""
        if self.count:
            for variable, mean in zip(model.trainable_variables, self.mean, strict=True):
                variable.assign(mean.astype(np.float32))
