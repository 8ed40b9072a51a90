"""The command line of the export stage: `python -m export quantize | emit | describe`."""

from __future__ import annotations

from pathlib import Path

import click

from export.pixels import DEFAULT, PIXELS
from host.console import UserError, console, run
from host.options import ModelFolder, Words, board_option_for, engine_option, optimize_option

FILE = click.Path(path_type=Path)


@click.group()
def main() -> None:
    """From a trained model to int8, and from int8 to C."""


@main.command()
@click.option("--model", required=True, type=ModelFolder(), help="The model's folder, or its name in build/.")
@click.option("--keras", "keras_file", type=FILE, help="A Keras model from elsewhere, instead of the folder's.")
@click.option(
    "--calibration", type=FILE, help="For --keras: a folder of pictures, or an .npy of images uint8 (N,H,W,C)."
)
@click.option(
    "--pixels",
    type=Words(tuple(PIXELS)),
    default=DEFAULT,
    show_default=True,
    help=f"What --keras takes a pixel as: {', '.join(PIXELS)}.",
)
def quantize(model: Path, keras_file: Path | None, calibration: Path | None, pixels: str) -> None:
    """Convert a Keras model to a full-integer model.tflite."""
    from export.manifest import MANIFEST_FILE, TFLITE_FILE
    from export.quantize import quantize_keras, quantize_model
    from host.console import write_atomically

    if keras_file is None and (calibration is not None or pixels != DEFAULT):
        raise UserError("--calibration and --pixels go with a model from elsewhere: add --keras, or leave them out")
    console.print("Quantizing to int8")
    if keras_file is None:
        content = quantize_model(model)
    elif calibration is None:
        raise UserError(
            f"{keras_file} needs images to calibrate with: add CALIBRATION=, a folder of pictures or an .npy of images "
            "uint8 (N,H,W,C), such as a few hundred of those it was trained on"
        )
    else:
        content = quantize_keras(keras_file, calibration, pixels)
    try:
        (model / MANIFEST_FILE).unlink(missing_ok=True)  # it describes the earlier model
        write_atomically(model / TFLITE_FILE, content)
    except OSError as error:
        raise UserError(f"{model} cannot be written to ({error.strerror}): make room or name another --model") from None
    console.print(f"wrote {model / TFLITE_FILE}: {len(content):,} bytes, int8 in and out")


@main.command()
@click.option("--model", type=ModelFolder(), help="The model's folder.  [default: build/<name of the .tflite>]")
@click.option("--tflite", type=FILE, help="A .tflite from elsewhere; it is copied into the folder.")
@board_option_for("The board it has to run on.")
@engine_option
@optimize_option
def emit(model: Path | None, tflite: Path | None, board_name: str, engine: str | None, optimize: str) -> None:
    """Write the model as C sources and model.json.

    Refuses what the engine of the board does not run.
    """
    from export.borders import with_int8_ends
    from export.describe import summary_table
    from export.emit import export_model, write_export
    from export.manifest import TFLITE_FILE
    from export.optimize import Optimize
    from export.runtimes import runtime_of
    from firmware.boards import find_board
    from training.files import LABELS_FILE, SPLITS_FILE, load_labels, load_splits

    if tflite is not None:
        folder, source = model or Path("build") / tflite.stem, tflite
    elif model is not None:
        folder, source = model, model / TFLITE_FILE
    else:
        raise UserError("name a model: --model build/<name>, or --tflite <file>.")
    runtime = runtime_of(find_board(board_name), engine)
    content, taken_off = with_int8_ends(_read(source), str(source))
    labels = load_labels(folder / LABELS_FILE) if (folder / LABELS_FILE).exists() else ()
    images = load_splits(folder / SPLITS_FILE).x_calibration if (folder / SPLITS_FILE).exists() else None
    export = export_model(content, str(source), folder.resolve().name, labels, images, runtime, Optimize(optimize))
    write_export(folder, content, export)
    console.print(summary_table(export.manifest))
    if taken_off:
        console.print(taken_off)
    if export.manifest.compiled_refusal:
        console.print(f"not for the compiled engine: {export.manifest.compiled_refusal}")
    console.print(f"wrote {folder}/: model.json and c/")


@main.command()
@click.option("--tflite", required=True, type=FILE, help="The model to describe.")
def describe(tflite: Path) -> None:
    """Show what is in a .tflite: ops, inputs, outputs, arena."""
    from export.describe import end_lines, op_table
    from export.lower import lower
    from export.tflite_reader import load_graph

    graph = load_graph(tflite)
    try:
        program, refusal = lower(graph), ""
    except UserError as error:
        program, refusal = None, error.message
    console.print(op_table(graph, program))
    for line in end_lines(graph):
        console.print(line)
    console.print(f"arena {program.arena_bytes:,} bytes" if program else f"not for the compiled engine: {refusal}")


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise UserError(f"cannot read {path} ({error.strerror}): run `make export`, or give --tflite") from None


if __name__ == "__main__":
    run(main, "python -m export")
