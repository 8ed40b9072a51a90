"""What a model says of single pictures: the float network, int8 in Python, and the device, side by side."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.text import Text

from tinyproof import advice
from tinyproof.boards import Board
from tinyproof.class_folders import pictures_below, unused_files
from tinyproof.console import UserError, console, table
from tinyproof.export.device_input import device_bytes
from tinyproof.fidelity import FLOAT_FILE, load_fidelity
from tinyproof.host.connection import connect
from tinyproof.host.expected import read_model
from tinyproof.host.interpreters import default_interpreter, float_scores, golden_interpreter
from tinyproof.host.station import check_identity
from tinyproof.manifest import Manifest, TensorInfo, load_manifest
from tinyproof.model_files import LABELS_FILE, load_labels
from tinyproof.pictures import read_pictures

SHOWN = 5  # classes
WIDEST = 32  # characters of a picture in the terminal
RAMP = " .:-=+*#%@"
Scores = list[float]


@dataclass(frozen=True)
class Prediction:
    """One picture. Scores are those of the classes in order; None where there is no such party. `equal`: the device's
    bytes are the golden's; None where there is no golden.
    """

    file: str
    answer: str
    kind: str  # of the answer: `class`, `decisions` or `numbers`
    labels: list[str]
    float: Scores | None
    int8_host: Scores | None
    int8_device: Scores
    equal: bool | None


def predict(model: Path, board: Board, port: str | None, given: Sequence[Path], as_json: bool) -> int:
    """Show what each picture is taken for; returns the exit status: 0 equal to the golden, 1 not, 2 could not tell."""
    if not as_json:
        return _predict(model, board, port, given, as_json=False)
    console.stderr = True  # for what is not JSON
    try:
        return _predict(model, board, port, given, as_json=True)
    finally:
        console.stderr = False


def _predict(model: Path, board: Board, port: str | None, given: Sequence[Path], as_json: bool) -> int:
    manifest = load_manifest(model)
    x, _ = _ends(manifest)
    files = _files(given)
    images = read_pictures(files, (x.shape[1], x.shape[2]), x.shape[3] == 3)
    predictions = _predictions(model, manifest, board, port, files, images)
    if as_json:
        print(json.dumps([asdict(one) for one in predictions], indent=2, ensure_ascii=False))
    else:
        for prediction, image in zip(predictions, images, strict=True):
            _show(prediction, image)
    if any(one.equal is False for one in predictions):
        return 1
    return 2 if any(one.equal is None for one in predictions) else 0


def _ends(manifest: Manifest) -> tuple[TensorInfo, TensorInfo]:
    x, y = manifest.inputs[0], manifest.outputs[0]
    if len(manifest.inputs) != 1 or len(x.shape) != 4 or x.shape[3] not in (1, 3):
        raise UserError(f"{manifest.name} takes {x.shape}, no picture: `predict` is for models of one picture")
    if not manifest.pixel_input:
        raise UserError(f"{manifest.name} does not take a pixel as a byte, so pictures cannot be given to it")
    return x, y


def _files(given: Sequence[Path]) -> list[Path]:
    """The pictures named, and those in the folders named."""
    files: list[Path] = []
    for path in given:
        inside = pictures_below(path) if path.is_dir() else []
        if inside and (unused := unused_files(path, inside)):
            console.print(f"{path}: not used: {unused}", markup=False)
        if not path.exists() or (path.is_dir() and not inside):
            raise UserError(
                f"{path} {'holds no pictures' if path.exists() else 'does not exist'}: name a picture's file"
            )
        files += inside or [path]
    if not files:
        raise UserError(f"name a picture or a folder of pictures: {advice.setting('image', 'my.jpg')}")
    return files


def _predictions(
    model: Path, manifest: Manifest, board: Board, port: str | None, files: list[Path], images: NDArray[np.uint8]
) -> list[Prediction]:
    x, y = _ends(manifest)
    tflite = read_model(model, manifest)
    inputs = [one.tobytes() for one in device_bytes(x, images)]
    with connect(model, board, port) as device:
        hello = device.hello()
        check_identity(hello, manifest, port or board.name)
        answers = [inference.output for inference in device.infer(inputs, hello)]
    golden = golden_interpreter(tflite)
    exact = [golden.run_bytes(data) for data in inputs] if golden else None
    host: list[bytes] | None = exact
    with contextlib.suppress(UserError):  # it is stricter than the golden
        python = default_interpreter(tflite)
        host = [python.run_bytes(data) for data in inputs]
    floats = None
    fidelity = load_fidelity(model, manifest.model_sha256)
    if (model / FLOAT_FILE).is_file() and fidelity:
        floats = float_scores((model / FLOAT_FILE).read_bytes(), images)
    kind = _kind(y, fidelity.answers if fidelity else "")
    labels = list(manifest.labels) or _labels(model) or [str(number) for number in range(y.size_bytes)]
    return [
        Prediction(
            file=str(file),
            answer=_answer(_real(answers[k], y), labels, kind, _edge(y)),
            kind=kind,
            labels=labels,
            float=None if floats is None else [float(value) for value in floats[k].ravel()],
            int8_host=None if host is None else _real(host[k], y),
            int8_device=_real(answers[k], y),
            equal=None if exact is None else exact[k] == answers[k],
        )
        for k, file in enumerate(files)
    ]


def _labels(model: Path) -> list[str]:
    return list(load_labels(model / LABELS_FILE)) if (model / LABELS_FILE).is_file() else []


def _kind(y: TensorInfo, said: str) -> str:
    """What outputs are: as the quantization found, else several of one row are classes, and one is if it is a share."""
    if said:
        return said
    is_row = y.size_bytes == y.shape[-1]
    return "class" if is_row and (y.size_bytes > 1 or _edge(y) > 0) else "numbers"


def _edge(y: TensorInfo) -> float:
    """Where an output that is a decision by itself turns to yes: one half of a share, 0 of a logit."""
    is_share = y.zero_point == -128 and y.scale * 255 <= 1
    return 0.5 if is_share else 0.0


def _answer(scores: list[float], labels: list[str], kind: str, edge: float) -> str:
    """A class, the classes that are decided for, or the numbers."""
    if kind == "numbers":
        return ", ".join(f"{score:.4g}" for score in scores[:SHOWN]) + ", ..." * (len(scores) > SHOWN)
    names = [labels[k] if k < len(labels) else str(k) for k in range(len(scores))]
    if kind == "decisions":
        return ", ".join(name for name, score in zip(names, scores, strict=True) if score > edge) or "none"
    if len(scores) == 1:
        return str(int(scores[0] > edge))  # of two classes
    return names[int(np.argmax(scores))]


def _real(output: bytes, y: TensorInfo) -> list[float]:
    values = np.frombuffer(output, np.int8)[: y.size_bytes].astype(np.float64)
    return [float(value) for value in y.scale * (values - y.zero_point)]


def _show(prediction: Prediction, image: NDArray[np.uint8]) -> None:
    console.print(Text(prediction.file, style="bold"))
    console.print(picture_text(image, bool(console.color_system)))
    scores, is_one = prediction.int8_device, len(prediction.int8_device) == 1
    told = {"numbers": "Output", "decisions": "Decided for"}.get(prediction.kind, "Taken for")
    says = ", for its one output says " + ("yes" if prediction.answer == "1" else "no")
    title = f"{told} {prediction.answer}" + (says if is_one and prediction.kind == "class" else "")
    names = ("output" if is_one or prediction.kind == "numbers" else "class", "float", "int8 in Python")
    rows = table(title, *names, "int8 on the device")
    order = np.arange(len(scores)) if prediction.kind == "numbers" else np.argsort(-np.array(scores), kind="stable")
    parties = (prediction.float, prediction.int8_host, prediction.int8_device)
    for k in map(int, order[:SHOWN]):
        name = prediction.labels[k] if k < len(prediction.labels) else str(k)
        rows.add_row(Text(name), *("–" if scores is None else f"{scores[k]:.3f}" for scores in parties))
    console.print(rows)
    words = {True: "equal to the golden", False: "NOT the golden's bytes", None: "no golden here to hold it against"}
    console.print(f"device: {words[prediction.equal]}")


def picture_text(image: NDArray[np.uint8], color: bool) -> Text:
    """The picture uint8 (H,W,C) as the network sees it: two pixels a character in colour, else shades of characters."""
    step = -(-image.shape[1] // WIDEST)
    small = image[::step, ::step].astype(int)
    if not color:
        greys = small.mean(-1)[::2]
        return Text("\n".join("".join(RAMP[int(grey * len(RAMP) / 256)] for grey in row) for row in greys))
    rgb = np.broadcast_to(small, (*small.shape[:2], 3)) if small.shape[2] == 1 else small
    text = Text()
    for row in range(0, len(rgb), 2):
        for column in range(rgb.shape[1]):
            upper, lower = rgb[row, column], rgb[min(row + 1, len(rgb) - 1), column]
            text.append("▀", f"rgb({upper[0]},{upper[1]},{upper[2]}) on rgb({lower[0]},{lower[1]},{lower[2]})")
        text.append("\n")
    text.rstrip()
    return text
