"""What happens after each epoch of a run: a line with the time that is left, and the state is saved for a resumption.

On a terminal a bar moves below the lines.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from tinyproof.backend import load_keras
from tinyproof.console import console, progress_bar
from tinyproof.training.resume import Progress


class Watch:
    """Follows a run of `epochs` epochs of `batches` batches that begins at `start`; `progress` is how far it has come.

    `save` is called after each epoch with the model and the progress.
    """

    def __init__(self, epochs: int, batches: int, start: Progress, save: Callable[[Any, Progress], None]) -> None:
        self.progress = start
        self._epochs, self._batches, self._start, self._save = epochs, batches, start, save

    def callback(self, model: Any) -> Any:
        """The Keras callback to hand to `fit`."""
        bar = progress_bar()
        task = bar.add_task(
            "training", total=self._epochs * self._batches, completed=self._start.epochs * self._batches
        )
        began = time.monotonic()

        def after_epoch(epoch: int, measures: dict[str, float]) -> None:
            seconds = time.monotonic() - began
            history = self.progress.history
            self.progress = Progress(
                epoch + 1,
                self._start.seconds + seconds,
                {name: [*history.get(name, []), float(value)] for name, value in measures.items()},
            )
            left = seconds / (epoch + 1 - self._start.epochs) * (self._epochs - epoch - 1)
            console.print(epoch_line(epoch + 1, self._epochs, measures, left))
            self._save(model, self.progress)

        return load_keras().callbacks.LambdaCallback(
            on_train_begin=lambda logs: bar.start(),
            on_epoch_begin=lambda epoch, logs: bar.update(task, description=f"epoch {epoch + 1}/{self._epochs}"),
            on_train_batch_end=lambda batch, logs: bar.advance(task),
            on_epoch_end=after_epoch,
            on_train_end=lambda logs: bar.stop(),
        )


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
