"""`tinyproof emit`."""

from __future__ import annotations

from pathlib import Path

import click

from tinyproof import advice
from tinyproof.console import UserError
from tinyproof.export.commands.options import folder_option, tflite_option
from tinyproof.folders import model_folder
from tinyproof.manifest import TFLITE_FILE
from tinyproof.options import board_option_for, engine_option, optimize_option


@click.command("emit")
@folder_option
@tflite_option
@board_option_for("The board it has to run on.")
@engine_option
@optimize_option
def command(model: Path | None, tflite: Path | None, board_name: str, engine: str | None, optimize: str) -> None:
    """Write the model as C sources and model.json.

    Refuses what the engine of the board does not run.
    """
    from tinyproof.export.stage import emit

    if tflite is not None:
        emit(model or model_folder(tflite), tflite, board_name, engine, optimize)
    elif model is not None:
        emit(model, model / TFLITE_FILE, board_name, engine, optimize)
    else:
        raise UserError(
            f"name a model: {advice.name_of('model')}, a folder's name in build/, or a file with "
            f"{advice.name_of('tflite')}."
        )
