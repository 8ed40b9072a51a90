"""What lets an interrupted training run go on: after each epoch every number of the run, in one file.

The file lies in the model folder and names the plan it belongs to; a run of another plan does not take it up. It
appears whole or not at all, so an interruption while saving leaves the epoch before.
"""

from __future__ import annotations

import io
import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from tinyproof.console import write_atomically
from tinyproof.model_files import NPZ_DAMAGE, open_npz
from tinyproof.training.averaging import Average

RESUME_FILE = ".resume.npz"
History = dict[str, list[float]]


@dataclass(frozen=True)
class Progress:
    """How far a run has come: epochs done, seconds spent, Keras' measures (one number an epoch)."""

    epochs: int = 0
    seconds: float = 0.0
    history: History = field(default_factory=dict)


def save(folder: Path, plan: str, model: Any, progress: Progress, average: Average | None = None) -> None:
    """Save the compiled model as it is after an epoch: weights, the optimizer's memory, the seeds of its layers, and
    the mean of its weights so far.
    """
    buffer = io.BytesIO()
    about = json.dumps({"plan": plan, "progress": asdict(progress), "averaged": average.count if average else 0})
    mean = average.mean if average else []
    np.savez(buffer, np.array(about), *(variable.numpy() for variable in _variables(model)), *mean)
    write_atomically(folder / RESUME_FILE, buffer.getvalue())


def restore(folder: Path, plan: str, model: Any, average: Average | None = None) -> Progress:
    """Load into the compiled model and the mean what an interrupted run of the same plan left; else its start."""
    try:
        with open_npz(folder / RESUME_FILE) as archive:
            about, *values = archive.values()
        saved = json.loads(str(about))
        if saved["plan"] != plan:
            return Progress()
        progress = Progress(**saved["progress"])
        variables = _variables(model)
        count, mean = int(saved["averaged"]), values[len(variables) :]
    except NPZ_DAMAGE:  # none, or damaged: the run starts over
        return Progress()
    for variable, value in zip(variables, values[: len(variables)], strict=True):
        variable.assign(value)
    if average:
        average.count, average.mean = count, mean
    return progress


def is_unfinished(folder: Path) -> bool:
    """Whether a run began to write into the folder and did not get to its end."""
    return (folder / RESUME_FILE).is_file()


def discard(folder: Path) -> None:
    """Remove the file; the run is over."""
    (folder / RESUME_FILE).unlink(missing_ok=True)


def _variables(model: Any) -> list[Any]:
    """Every variable of a compiled model and its optimizer, always in the same order."""
    model.optimizer.build(model.trainable_variables)
    return [*model.variables, *model.optimizer.variables]
