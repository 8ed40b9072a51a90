"""`tinyproof quantize`: the only command of this storey that needs TensorFlow."""

from __future__ import annotations

from pathlib import Path

import click

from tinyproof.export.commands.options import calibration_option, keras_option, pixels_option
from tinyproof.options import model_option


@click.command("quantize")
@model_option
@keras_option
@calibration_option
@pixels_option
def command(model: Path, keras_file: Path | None, calibration: Path | None, pixels: str) -> None:
    """Convert a Keras model to a full-integer model.tflite."""
    from tinyproof.export.stage import quantize

    quantize(model, keras_file, calibration, pixels)
