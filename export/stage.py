"""The export stage as a user runs it: a Keras model to `model.tflite`, and that to C sources and `model.json`.

Says on the terminal what it made. Everything that computes is elsewhere.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from tinyproof import advice
from tinyproof.boards import find_board
from tinyproof.claim import claim
from tinyproof.console import UserError, console, no_room, write_together
from tinyproof.export.adapting import adapted
from tinyproof.export.borders import with_int8_ends
from tinyproof.export.conversion.loading import check_keras_file
from tinyproof.export.describe import plain_lines, summary_table
from tinyproof.export.emit import check_exchange, export_model, write_export
from tinyproof.export.fidelity_table import print_fidelity, refuse_loss
from tinyproof.export.golden import golden_name
from tinyproof.export.pixels import AUTO
from tinyproof.export.quantize import CONVERTERS, REMEDY, deciding_code, quantize_keras, quantize_model
from tinyproof.export.runtimes import runtime_of
from tinyproof.export.tflite_reader import read_tflite
from tinyproof.fidelity import FIDELITY_FILE, FLOAT_FILE, save_fidelity
from tinyproof.folders import BUILD
from tinyproof.made import code_of, fingerprint, inputs_of, is_made, remember, settings_of, tree_state
from tinyproof.manifest import C_FOLDER, MANIFEST_FILE, TFLITE_FILE
from tinyproof.model_files import KERAS_FILE, LABELS_FILE, SPLITS_FILE, load_labels, load_splits
from tinyproof.optimize import Optimize
from tinyproof.version import package_versions, tool_version


@dataclass(frozen=True)
class Source:
    """What to export: a `.tflite`, a Keras model with images to calibrate with, or what the model's folder holds."""

    tflite: Path | None = None
    keras: Path | None = None
    calibration: Path | None = None
    pixels: str = AUTO
    accept_loss: bool = False


def export(model: Path, source: Source, board_name: str, engine: str | None, optimize: str) -> None:
    """Both halves, each only where it has something to do: files made of the same inputs are left as they are."""
    if source.tflite is not None:
        _refuse_calibration(source.calibration, source.pixels)
    if source.keras is not None:
        check_keras_file(source.keras, REMEDY)
    claim(model, make=True)
    keras_file = source.keras or model / KERAS_FILE
    if source.tflite is None and keras_file.is_file() or source.keras:
        inputs = fingerprint(
            keras_file,
            model / SPLITS_FILE if source.calibration is None else tree_state(source.calibration).encode(),
            source.pixels,
            deciding_code(),
            package_versions(*CONVERTERS),
        )
        if not is_made(model, "quantize", inputs):
            _refuse_changed(model, inputs)
            quantize(model, source.keras, source.calibration, source.pixels, source.accept_loss)
            remember(
                model,
                "quantize",
                inputs,
                [model / TFLITE_FILE, model / FLOAT_FILE, model / FIDELITY_FILE],
                {TFLITE_FILE: fingerprint(model / TFLITE_FILE)},
            )
    tflite = source.tflite or model / TFLITE_FILE
    runtime = runtime_of(find_board(board_name), engine)
    inputs = fingerprint(
        _read(tflite),
        *(model / LABELS_FILE, model / SPLITS_FILE),
        *(runtime.name if runtime else None, optimize, golden_name(), tool_version()),
        code_of("tinyproof.export"),
    )
    if is_made(model, "emit", inputs):
        console.print(f"{model} is exported already", markup=False)
    else:
        if inputs_of(model, "emit") == inputs:
            console.print(f"{model}: what the export wrote was changed, and is written again", markup=False)
        emit(model, tflite, board_name, engine, optimize)
        files = [model / TFLITE_FILE, model / MANIFEST_FILE, *(p for p in (model / C_FOLDER).rglob("*") if p.is_file())]
        remember(model, "emit", inputs, files, {TFLITE_FILE: fingerprint(model / TFLITE_FILE)})


def _refuse_changed(model: Path, inputs: str) -> None:
    """UserError for a `.tflite` that somebody put in the place of the one made of the same inputs: it may be the one
    that is meant, and is not written over.
    """
    tflite = model / TFLITE_FILE
    ours = {(settings_of(model, stage) or {}).get(TFLITE_FILE) for stage in ("quantize", "emit")} - {None}
    if ours and inputs_of(model, "quantize") == inputs and tflite.is_file() and fingerprint(tflite) not in ours:
        raise UserError(
            f"{tflite} is no longer what was made of {KERAS_FILE} beside it: remove it to have it made again, or move "
            f"it elsewhere and name it with {advice.setting('tflite', '...')}"
        )


def quantize(
    model: Path, keras_file: Path | None, calibration: Path | None, pixels: str, accept_loss: bool = False
) -> None:
    """Write model.tflite into the folder `model`: of its own Keras model, or of another that `calibration` images and a
    range of `pixels` go with. UserError where that cannot be.
    """
    claim(model, make=True)
    if keras_file is None:
        _refuse_calibration(calibration, pixels)
    console.print("Quantizing to int8")
    if keras_file is None:
        made = quantize_model(model)
    elif calibration is None:
        raise UserError(
            f"{keras_file} needs images to calibrate with: add {advice.setting('calibration')}, a folder of pictures "
            "or an .npy of images uint8 (N,H,W,C) or of other samples float32, such as a few hundred of "
            "those it was trained on"
        )
    else:
        made = quantize_keras(keras_file, calibration, pixels)
    for note in made.notes:
        console.print(f"{keras_file or KERAS_FILE}: {note}", markup=False)
    print_fidelity(made.fidelity, found=keras_file is not None)
    if not accept_loss:
        refuse_loss(made.fidelity)
    content = made.content
    try:
        write_together(
            {model / TFLITE_FILE: content, model / FLOAT_FILE: made.plain},
            lambda: (model / MANIFEST_FILE).unlink(missing_ok=True),  # it describes the earlier model
        )
        save_fidelity(model, made.fidelity)
    except OSError as error:
        raise no_room(model, error, "model") from None
    console.print(f"wrote {model / TFLITE_FILE}: {len(content):,} bytes, int8 in and out")


def emit(model: Path, source: Path, board_name: str, engine: str | None, optimize: str) -> None:
    """Write the `.tflite` file `source` into the folder `model` as C sources for a board, and model.json.

    UserError for what the engine of the board does not run.
    """
    claim(model, make=True)
    board = find_board(board_name)
    runtime = runtime_of(board, engine)
    content, taken_off = with_int8_ends(adapted(_read(source), str(source)), str(source))
    labels = load_labels(model / LABELS_FILE) if (model / LABELS_FILE).exists() else ()
    images = load_splits(model / SPLITS_FILE).x_calibration if (model / SPLITS_FILE).exists() else None
    made = export_model(content, str(source), model.resolve().name, labels, images, runtime, Optimize(optimize))
    check_exchange(str(source), made.manifest)
    write_export(model, content, made)
    console.print(summary_table(made.manifest, board.core))
    compiled = made.manifest.compiled.get(board.core.name)
    for line in plain_lines(compiled.steps if compiled and runtime is None else ()):
        console.print(line, markup=False)
    for line in filter(None, [taken_off, made.left_out]):
        console.print(line)
    if made.manifest.compiled_refusal:
        console.print(f"not for the compiled engine: {made.manifest.compiled_refusal}")
    console.print(f"wrote {model}/: model.json and c/")


def _refuse_calibration(calibration: Path | None, pixels: str) -> None:
    """UserError for settings of a quantization where there is none, or none of a model from elsewhere."""
    if calibration is not None or pixels != AUTO:
        calibration_name, pixels_name, keras_name = map(advice.name_of, ("calibration", "pixels", "keras"))
        raise UserError(
            f"{calibration_name} and {pixels_name} go with a Keras model from elsewhere: add {keras_name}, or leave "
            "them out"
        )


def _read(path: Path) -> bytes:
    if path.name != TFLITE_FILE:
        return read_tflite(path)
    try:
        return path.read_bytes()
    except OSError as error:
        models = ", ".join(sorted(file.parent.name for file in BUILD.glob(f"*/{TFLITE_FILE}")))
        raise UserError(
            f"cannot read {path} ({error.strerror}): run `{advice.command('export')}`, or name a model ("
            f"{models or 'none is here yet'}) or a file, {advice.setting('tflite')}"
        ) from None
