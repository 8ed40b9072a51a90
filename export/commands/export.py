"""`tinyproof export`: `quantize` and `emit`, each where it has something to do."""

from __future__ import annotations

from pathlib import Path

import click

from tinyproof import advice
from tinyproof.console import UserError
from tinyproof.export.commands.options import (
    accept_loss_option,
    calibration_option,
    folder_option,
    keras_option,
    pixels_option,
    remedy_option,
    tflite_option,
)
from tinyproof.folders import model_folder
from tinyproof.options import board_option_for, engine_option, optimize_option


@click.command("export")
@folder_option
@tflite_option
@keras_option
@calibration_option
@pixels_option
@accept_loss_option
@remedy_option
@board_option_for("The board it has to run on.")
@engine_option
@optimize_option
def command(
    model: Path | None,
    tflite: Path | None,
    keras_file: Path | None,
    calibration: Path | None,
    pixels: str,
    accept_loss: bool,
    remedy: str | None,
    board_name: str,
    engine: str | None,
    optimize: str,
) -> None:
    """Quantize to int8 and write C sources and model.json.

    Of a model folder, a .keras file or a .tflite file.

    Example: tinyproof export --keras mine.keras --calibration photos/
    """
    from tinyproof.export.stage import Source, export

    if tflite is not None and keras_file is not None:
        raise UserError(f"{advice.name_of('tflite')} and {advice.name_of('keras')} are two models: give one of them")
    file = tflite or keras_file
    if model is None and file is None:
        names = [advice.name_of(option) for option in ("model", "tflite", "keras")]
        raise UserError(
            f"name a model: {names[0]}, a folder's name in build/, or a file with {names[1]} or {names[2]}."
        )
    folder = model or model_folder(file or Path())
    source = Source(tflite, keras_file, calibration, pixels, accept_loss, remedy or "")
    export(folder, source, board_name, engine, optimize)
