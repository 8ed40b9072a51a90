"""From the answers of a run to the parts of its report: shares with their intervals, differences, and each device."""

from __future__ import annotations

import numpy as np

from host.report import Difference

DIFFERENT_LISTED = 100  # differing samples written out in full


def accuracy(outputs: np.ndarray, labels: np.ndarray | None) -> float | None:
    """Share of rows whose largest output (the first of equals) is the label; outputs int8 (N, classes)."""
    return None if labels is None or len(labels) == 0 else float(np.mean(outputs.argmax(axis=1) == labels))


def find_differences(golden: np.ndarray, device: np.ndarray) -> list[Difference]:
    """The first differing samples in full; both int8 (N, output bytes)."""
    steps = np.abs(golden.astype(int) - device.astype(int))
    return [
        Difference(int(i), golden[i].tolist(), device[i].tolist(), bool(steps[i].max() <= 1))
        for i in np.flatnonzero(steps.any(axis=1))[:DIFFERENT_LISTED]
    ]
