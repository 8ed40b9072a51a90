"""What a model says of single pictures or samples: the float network, int8 in Python, and the device, side by side."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.text import Text

from tinyproof.boards import Board
from tinyproof.console import UserError, console, table
from tinyproof.fidelity import FLOAT_FILE, load_fidelity
from tinyproof.host.connection import connect
from tinyproof.host.expected import read_model
from tinyproof.host.given_inputs import Given, read_given
from tinyproof.host.interpreters import default_interpreter, float_scores, golden_interpreter
from tinyproof.host.station import check_identity
from tinyproof.manifest import Manifest, TensorInfo, load_manifest
from tinyproof.model_files import LABELS_FILE, load_labels

SHOWN = 5  # classes
WIDEST = 32  # characters of a picture in the terminal
RAMP = " .:-=+*#%@"
Scores = list[float]


@dataclass(frozen=True)
class Prediction:
    """One output for one picture or sample. Scores are those of the classes in order; None where there is no such
    party. `equal`: the device's bytes, of all outputs, are the golden's; None where there is no golden. `output`: its
    name where there are several.
    """

    file: str
    output: str
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
    samples = read_given(manifest, given)
    predictions = _predictions(model, manifest, board, port, samples)
    if as_json:
        print(json.dumps([asdict(one) for each in predictions for one in each], indent=2, ensure_ascii=False))
    else:
        for row, each in enumerate(predictions):
            _show(each, None if samples.seen is None else samples.seen[row])
    equal = [each[0].equal for each in predictions]
    if False in equal:
        return 1
    return 2 if None in equal else 0


def _predictions(
    model: Path, manifest: Manifest, board: Board, port: str | None, samples: Given
) -> list[list[Prediction]]:
    """Of each sample what each output says."""
    tflite = read_model(model, manifest)
    with connect(model, board, port) as device:
        hello = device.hello()
        check_identity(hello, manifest, port or board.name)
        answers = [inference.output for inference in device.infer(samples.inputs, hello)]
    golden = golden_interpreter(tflite)
    exact = [golden.run_bytes(data) for data in samples.inputs] if golden else None
    host: list[bytes] | None = exact
    with contextlib.suppress(UserError):  # it is stricter than the golden
        python = default_interpreter(tflite)
        host = [python.run_bytes(data) for data in samples.inputs]
    floats, fidelity = None, load_fidelity(model, manifest.model_sha256)
    if (model / FLOAT_FILE).is_file() and fidelity and samples.real is not None:
        floats = float_scores((model / FLOAT_FILE).read_bytes(), samples.real)
    ends = np.cumsum([0, *(y.size_bytes for y in manifest.outputs)])
    found: list[list[Prediction]] = [[] for _ in samples.names]
    for place, y in enumerate(manifest.outputs):
        part = slice(int(ends[place]), int(ends[place + 1]))
        kind = _kind(y, fidelity.answers if fidelity else "")
        labels = list(manifest.labels) or _labels(model)
        if not labels or (place and len(labels) != y.size_bytes):
            labels = [str(number) for number in range(y.size_bytes)]
        for row, name in enumerate(samples.names):
            scores = _real(answers[row][part], y)
            found[row].append(
                Prediction(
                    file=name,
                    output=y.name if len(manifest.outputs) > 1 else "",
                    answer=_answer(scores, labels, kind, _edge(y)),
                    kind=kind,
                    labels=labels,
                    float=None if floats is None else [float(value) for value in floats[row].ravel()],
                    int8_host=None if host is None else _real(host[row][part], y),
                    int8_device=scores,
                    equal=None if exact is None else exact[row] == answers[row],
                )
            )
    return found


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


def _show(outputs: list[Prediction], seen: NDArray[np.generic] | None) -> None:
    console.print(Text(outputs[0].file, style="bold"))
    if seen is not None and seen.dtype == np.uint8:
        picture = np.asarray(seen.reshape(*seen.shape, *(1,) * (3 - seen.ndim)), np.uint8)
        console.print(picture_text(picture, bool(console.color_system)))
    elif seen is not None:
        console.print(
            f"{seen.size:,} number{'s' * (seen.size > 1)}, {float(seen.min()):.4g} to {float(seen.max()):.4g}"
        )
    for prediction in outputs:
        _show_scores(prediction)
    words = {True: "equal to the golden", False: "NOT the golden's bytes", None: "no golden here to hold it against"}
    console.print(f"device: {words[outputs[0].equal]}")


def _show_scores(prediction: Prediction) -> None:
    scores, is_one = prediction.int8_device, len(prediction.int8_device) == 1
    told = {"numbers": "Output", "decisions": "Decided for"}.get(prediction.kind, "Taken for")
    says = ", for its one output says " + ("yes" if prediction.answer == "1" else "no")
    title = f"{told} {prediction.answer}" + (says if is_one and prediction.kind == "class" else "")
    title = f"{prediction.output}: {title}" if prediction.output else title
    names = ("output" if is_one or prediction.kind == "numbers" else "class", "float", "int8 in Python")
    rows = table(title, *names, "int8 on the device")
    order = np.arange(len(scores)) if prediction.kind == "numbers" else np.argsort(-np.array(scores), kind="stable")
    parties = (prediction.float, prediction.int8_host, prediction.int8_device)
    for k in map(int, order[:SHOWN]):
        name = prediction.labels[k] if k < len(prediction.labels) else str(k)
        rows.add_row(Text(name), *("–" if scores is None else f"{scores[k]:.3f}" for scores in parties))
    console.print(rows)


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
