"""What a training run shows of itself: a line an epoch with the time that is left, and a moving bar for people."""

from __future__ import annotations

import time
from typing import Any

from host.console import console, progress_bar
from training.backend import load_keras


def progress_callback(epochs: int, batches: int) -> Any:
    """A Keras callback that prints a line after each epoch and keeps a bar below them, on a terminal."""
    keras = load_keras()

    class Lines(keras.callbacks.Callback):  # type: ignore[misc]  # Keras is imported only here
        def on_train_begin(self, logs: object = None) -> None:
            self._bar = progress_bar()
            self._bar.start()
            self._task = self._bar.add_task("training", total=epochs * batches)
            self._started, self._done = time.monotonic(), 0

        def on_epoch_begin(self, epoch: int, logs: object = None) -> None:
            self._bar.update(self._task, completed=epoch * batches, description=f"epoch {epoch + 1}/{epochs}")

        def on_train_batch_end(self, batch: int, logs: object = None) -> None:
            self._bar.advance(self._task)

        def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
            self._done += 1
            left = (time.monotonic() - self._started) / self._done * (epochs - epoch - 1)
            console.print(epoch_line(epoch + 1, epochs, logs or {}, left))

        def on_train_end(self, logs: object = None) -> None:
            self._bar.stop()

    return Lines()


def epoch_line(epoch: int, epochs: int, measures: dict[str, float], seconds_left: float) -> str:
    """Say how an epoch went.

    >>> epoch_line(3, 40, {"loss": 0.8, "accuracy": 0.81, "val_accuracy": 0.823}, 740)
    'epoch 3/40: loss 0.800, accuracy 81.0 %, validation 82.3 %, 12 min left'
    """
    left = f"{seconds_left / 60:.0f} min left" if seconds_left >= 90 else f"{seconds_left:.0f} s left"
    return (
        f"epoch {epoch}/{epochs}: loss {measures['loss']:.3f}, accuracy {100 * measures['accuracy']:.1f} %, "
        f"validation {100 * measures['val_accuracy']:.1f} %, {left}"
    )
