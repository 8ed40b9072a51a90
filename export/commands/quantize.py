"""`tinyproof quantize`: the only command of this storey that needs TensorFlow."""

from __future__ import annotations

from pathlib import Path

import click

from tinyproof.export.commands.options import (
    accept_loss_option,
    calibration_option,
    keras_option,
    pixels_option,
    remedy_option,
)
from tinyproof.options import model_option


@click.command("quantize")
@model_option
@keras_option
@calibration_option
@pixels_option
@accept_loss_option
@remedy_option
def command(
    model: Path, keras_file: Path | None, calibration: Path | None, pixels: str, accept_loss: bool, remedy: str | None
) -> None:
    """Convert a Keras model to a full-integer model.tflite."""
    from tinyproof.export.stage import Source, quantize

    quantize(model, Source(None, keras_file, calibration, pixels, accept_loss, remedy or ""))
