"""What lets an interrupted training run go on: after each epoch the weights, the optimizer's state and the history.

The state lies in the model folder and says which run it is of; another run does not take it up. `progress.json` is
renamed into place last, so an interruption while saving leaves the epoch before.
"""

from __future__ import annotations

import json
import shutil
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from host.console import write_atomically

FOLDER = ".resume"
PROGRESS_FILE = "progress.json"
History = dict[str, list[float]]


@dataclass(frozen=True)
class Progress:
    """How far a run has come: epochs done, seconds spent, Keras' measures (one number an epoch)."""

    epochs: int = 0
    seconds: float = 0.0
    history: History = field(default_factory=dict)


def restore(folder: Path, run: dict[str, Any], model: Any) -> Progress:
    """Load into the compiled model what an interrupted run of the same settings left; else the start of a run."""
    path = folder / FOLDER / PROGRESS_FILE
    try:
        saved = json.loads(path.read_text())
        if saved["run"] != json.loads(json.dumps(run)):
            return Progress()
        progress = Progress(**saved["progress"])
        model.optimizer.build(model.trainable_variables)
        model.load_weights(_weights(folder, progress.epochs))
    except (OSError, ValueError, KeyError, TypeError):  # none, or damaged: the run starts over
        return Progress()
    return progress


def save(folder: Path, run: dict[str, Any], model: Any, progress: Progress) -> None:
    """Save the state after an epoch, replacing that of the epoch before."""
    weights = _weights(folder, progress.epochs)
    weights.parent.mkdir(parents=True, exist_ok=True)
    model.save_weights(weights, overwrite=True)
    write_atomically(weights.parent / PROGRESS_FILE, json.dumps({"run": run, "progress": asdict(progress)}))
    for stale in weights.parent.glob("*.weights.h5"):
        if stale != weights:
            stale.unlink()


def discard(folder: Path) -> None:
    """Remove the state; the run is over."""
    shutil.rmtree(folder / FOLDER, ignore_errors=True)


def _weights(folder: Path, epochs: int) -> Path:
    return folder / FOLDER / f"epoch_{epochs}.weights.h5"
