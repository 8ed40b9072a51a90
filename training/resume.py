"""What lets an interrupted training run go on: after each epoch the weights, the optimizer's state and the history.

The state lies in the model folder and says which run it is of; another run does not take it up. `progress.json` is
renamed into place last, so an interruption while saving leaves the epoch before.
"""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from host.console import write_atomically
from training.backend import load_keras

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
    content = {
        "run": run,
        "progress": {"epochs": progress.epochs, "seconds": progress.seconds, "history": progress.history},
    }
    write_atomically(weights.parent / PROGRESS_FILE, json.dumps(content))
    for stale in weights.parent.glob("*.weights.h5"):
        if stale != weights:
            stale.unlink()


def discard(folder: Path) -> None:
    """Remove the state; the run is over."""
    shutil.rmtree(folder / FOLDER, ignore_errors=True)


def resume_callback(folder: Path, run: dict[str, Any], start: Progress) -> Any:
    """A Keras callback that saves the state after each epoch; its `progress` is the run's so far."""
    import time

    keras = load_keras()

    class Saver(keras.callbacks.Callback):  # type: ignore[misc]  # Keras is imported only here
        progress = start

        def on_train_begin(self, logs: object = None) -> None:
            self._started = time.monotonic()

        def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
            measures = {name: float(value) for name, value in (logs or {}).items()}
            history = {name: [*self.progress.history.get(name, []), value] for name, value in measures.items()}
            seconds = start.seconds + time.monotonic() - self._started
            self.progress = Progress(epoch + 1, seconds, history)
            save(folder, run, self.model, self.progress)

    return Saver()


def _weights(folder: Path, epochs: int) -> Path:
    return folder / FOLDER / f"epoch_{epochs}.weights.h5"
