"""The export stage as a user runs it: a Keras model to `model.tflite`, and that to C sources and `model.json`.

Says on the terminal what it made. Everything that computes is elsewhere.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from tinyproof import advice
from tinyproof.boards import Board, find_board
from tinyproof.claim import claim
from tinyproof.console import UserError, console, no_room, write_together
from tinyproof.export.adapting import adapted
from tinyproof.export.borders import with_int8_ends
from tinyproof.export.conversion.loading import check_keras_file
from tinyproof.export.conversion.process import Converted
from tinyproof.export.describe import plain_lines, summary_table
from tinyproof.export.emit import Export, check_exchange, export_model, write_export
from tinyproof.export.fidelity_table import print_fidelity, print_trials, refuse_loss
from tinyproof.export.golden import golden_name
from tinyproof.export.pixels import AUTO
from tinyproof.export.quantize import CONVERTERS, REMEDY, deciding_code, quantize_keras, quantize_model
from tinyproof.export.remedies import NONE, TRY
from tinyproof.export.runtimes import Runtime, runtime_of
from tinyproof.export.tflite_reader import read_tflite
from tinyproof.fidelity import FIDELITY_FILE, FLOAT_FILE, save_fidelity
from tinyproof.folders import BUILD
from tinyproof.made import code_of, fingerprint, inputs_of, is_made, remember, settings_of, tree_state
from tinyproof.manifest import C_FOLDER, MANIFEST_FILE, TFLITE_FILE
from tinyproof.model_files import KERAS_FILE, LABELS_FILE, SPLITS_FILE, load_labels, load_splits
from tinyproof.optimize import Optimize
from tinyproof.version import package_versions, tool_version

ORIGIN, ORIGIN_HASH = "from", "sha256 of that"  # in the record of an export
KERAS_SOURCE, CALIBRATED_WITH = "keras", "calibration"  # settings: where what was quantized lies


@dataclass(frozen=True)
class Source:
    """What to export: a `.tflite`, a Keras model with images to calibrate with, or what the model's folder holds."""

    tflite: Path | None = None
    keras: Path | None = None
    calibration: Path | None = None
    pixels: str = AUTO
    accept_loss: bool = False
    remedy: str = ""  # of export.remedies; empty: as before, or none


def export(model: Path, source: Source, board_name: str, engine: str | None, optimize: str) -> None:
    """Both halves, each only where it has something to do: files made of the same inputs are left as they are."""
    if source.tflite is not None:
        _refuse_calibration(source.calibration, source.pixels)
    if source.keras is not None:
        check_keras_file(source.keras, REMEDY)
    claim(model, make=True)
    origin = _origin(model, source)
    keras_file = source.keras or model / KERAS_FILE
    new = _quantized_if_new(model, keras_file, source) if source.keras or _has_own_keras(keras_file, source) else None
    tflite = source.tflite or model / TFLITE_FILE
    content = new.made.content if new else _read(tflite)
    runtime = runtime_of(find_board(board_name), engine)
    inputs = fingerprint(
        content,
        *(model / LABELS_FILE, model / SPLITS_FILE),
        *(runtime.name if runtime else None, optimize, golden_name(), tool_version()),
        code_of("tinyproof.export"),
    )
    if new is None and is_made(model, "emit", inputs):
        console.print(f"{model} is exported already", markup=False)
        return
    if new is None and inputs_of(model, "emit") == inputs:
        console.print(f"{model}: what the export wrote was changed, and is written again", markup=False)
    # May refuse: nothing is written yet.
    emission = _emission(model, content, str(tflite), board_name, engine, optimize)
    if new:
        _write_quantized(model, new.made)
        files = [model / TFLITE_FILE, model / FLOAT_FILE, model / FIDELITY_FILE]
        settings = {TFLITE_FILE: fingerprint(model / TFLITE_FILE), "remedy": new.remedy, "network": new.network}
        remember(model, "quantize", new.inputs, files, {**settings, **_sources(source)})
    _write_emission(model, emission)
    files = [model / TFLITE_FILE, model / MANIFEST_FILE, *(p for p in (model / C_FOLDER).rglob("*") if p.is_file())]
    remember(model, "emit", inputs, files, {TFLITE_FILE: fingerprint(model / TFLITE_FILE), **origin})


def _origin(model: Path, source: Source) -> dict[str, str]:
    """Which file from elsewhere the model's folder is of, and its hash; nothing for a folder's own model.

    UserError where the folder is of another one, or has a model of its own: it is not to be taken for that afterwards.
    """
    earlier = settings_of(model, "emit") or {}
    before = {name: earlier[name] for name in (ORIGIN, ORIGIN_HASH) if earlier.get(name)}
    file = source.tflite or source.keras
    if file is None or not file.is_file() or file.resolve().parent == model.resolve():
        return before
    origin = {ORIGIN: str(file.resolve()), ORIGIN_HASH: fingerprint(file)}
    of_its_own = (model / KERAS_FILE).is_file() or bool(earlier and not before)
    other = before and not any(before.get(name) == origin[name] for name in origin)
    if not (model / TFLITE_FILE).is_file() or not (other or of_its_own):
        return origin
    if fingerprint(model / TFLITE_FILE) == origin[ORIGIN_HASH]:
        return before
    what = f"is of {before[ORIGIN]}" if other else "has a model of its own"
    another = advice.setting("model", model.with_name(f"{model.name}_2"))
    raise UserError(f"{model} {what}, not of {file}: give that a folder of its own with {another}, or remove {model}")


def _sources(source: Source) -> dict[str, str]:
    """Where a network from elsewhere lies, and what calibrated it: who looks into the model wants them again."""
    given = {KERAS_SOURCE: source.keras, CALIBRATED_WITH: source.calibration}
    return {name: str(path.resolve()) for name, path in given.items() if path}


@dataclass(frozen=True, eq=False)
class _Quantized:
    """A model just quantized, and what is to be remembered of it."""

    made: Converted
    inputs: str
    remedy: str
    network: str


def _has_own_keras(keras_file: Path, source: Source) -> bool:
    return source.tflite is None and keras_file.is_file()


def _quantized_if_new(model: Path, keras_file: Path, source: Source) -> _Quantized | None:
    """Quantize, unless the same inputs were; the remedy of an earlier export stays for the same network."""
    network, earlier = fingerprint(keras_file), settings_of(model, "quantize") or {}
    remedy = "" if source.remedy in (NONE, TRY) else source.remedy
    if not source.remedy and earlier.get("network") == network and (remedy := earlier.get("remedy", "")):
        console.print(f"remedy {remedy}, as before ({advice.setting('remedy', NONE)} leaves it out)")
    inputs = fingerprint(
        keras_file,
        model / SPLITS_FILE if source.calibration is None else tree_state(source.calibration).encode(),
        source.pixels,
        remedy,
        deciding_code(),
        package_versions(*CONVERTERS),
    )
    if source.remedy != TRY and is_made(model, "quantize", inputs):
        return None
    _refuse_changed(model, inputs)
    return _Quantized(_quantized(model, replace(source, remedy=source.remedy or remedy)), inputs, remedy, network)


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


def quantize(model: Path, source: Source) -> None:
    """Write model.tflite into the folder `model`: of its own Keras model, or of another, with images to calibrate with.
    UserError where that cannot be.
    """
    claim(model, make=True)
    _write_quantized(model, _quantized(model, source))


def _quantized(model: Path, source: Source) -> Converted:
    """The int8 model, said how near it comes to float. UserError where that is not near enough."""
    if source.keras is None:
        _refuse_calibration(source.calibration, source.pixels)
    console.print("Quantizing to int8")
    remedy = "" if source.remedy == NONE else source.remedy
    if source.keras is None:
        made = quantize_model(model, remedy)
    elif source.calibration is None:
        raise UserError(
            f"{source.keras} needs images to calibrate with: add {advice.setting('calibration')}, a folder of pictures "
            "or an .npy of images uint8 (N,H,W,C) or of other samples float32, such as a few hundred of "
            "those it was trained on"
        )
    else:
        made = quantize_keras(source.keras, source.calibration, source.pixels, remedy)
    for note in made.notes:
        console.print(f"{source.keras or KERAS_FILE}: {note}", markup=False)
    print_fidelity(made.fidelity, found=source.keras is not None)
    if made.trials:
        print_trials(made.fidelity, made.trials)
    if not source.accept_loss:
        refuse_loss(made.fidelity, made.trials)
    return made


def _write_quantized(model: Path, made: Converted) -> None:
    try:
        write_together(
            {model / TFLITE_FILE: made.content, model / FLOAT_FILE: made.plain},
            lambda: (model / MANIFEST_FILE).unlink(missing_ok=True),  # it describes the earlier model
        )
        save_fidelity(model, made.fidelity)
    except OSError as error:
        raise no_room(model, error, "model") from None
    console.print(f"wrote {model / TFLITE_FILE}: {len(made.content):,} bytes, int8 in and out")


def emit(model: Path, source: Path, board_name: str, engine: str | None, optimize: str) -> None:
    """Write the `.tflite` file `source` into the folder `model` as C sources for a board, and model.json.

    UserError for what the engine of the board does not run.
    """
    claim(model, make=True)
    _write_emission(model, _emission(model, _read(source), str(source), board_name, engine, optimize))


@dataclass(frozen=True, eq=False)
class _Emission:
    """An export that can be written: the `.tflite`, and what was taken off it, in a line."""

    content: bytes
    made: Export
    taken_off: str
    board: Board
    runtime: Runtime | None


def _emission(
    model: Path, content: bytes, source: str, board_name: str, engine: str | None, optimize: str
) -> _Emission:
    board = find_board(board_name)
    runtime = runtime_of(board, engine)
    content, taken_off = with_int8_ends(adapted(content, source), source)
    labels = load_labels(model / LABELS_FILE) if (model / LABELS_FILE).exists() else ()
    images = load_splits(model / SPLITS_FILE).x_calibration if (model / SPLITS_FILE).exists() else None
    made = export_model(content, source, model.resolve().name, labels, images, runtime, Optimize(optimize))
    check_exchange(source, made.manifest)
    return _Emission(content, made, taken_off, board, runtime)


def _write_emission(model: Path, emission: _Emission) -> None:
    made, board = emission.made, emission.board
    write_export(model, emission.content, made)
    console.print(summary_table(made.manifest, board.core))
    compiled = made.manifest.compiled.get(board.core.name)
    for line in plain_lines(compiled.steps if compiled and emission.runtime is None else ()):
        console.print(line, markup=False)
    for line in filter(None, [emission.taken_off, made.left_out]):
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
