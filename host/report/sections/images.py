"""Samples worth looking at, each with what every party says about it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tinyproof.host.record.parts import Example
from tinyproof.host.record.report import Report
from tinyproof.host.report.sections.words import class_name
from tinyproof.manifest import Manifest, TensorInfo
from tinyproof.page import Picture, Section, gallery, note, table

TOP = 2  # classes of each party
ROWS = 4  # classes of one sample
MAX_SIDE = 96  # pixels of a picture in the page: larger ones are thinned out


def add_images(
    section: Section, report: Report, manifest: Manifest | None, images: NDArray[np.uint8] | None, why_none: str
) -> None:
    """The gallery; without images the scores alone, and the reason."""
    if images is None:
        section.add(note(why_none))
    output = manifest.outputs[0] if manifest and len(manifest.outputs) == 1 else None
    pictures = [_picture(example, report, output, images) for example in report.examples]
    section.add(gallery(pictures))


def _picture(example: Example, report: Report, output: TensorInfo | None, images: NDArray[np.uint8] | None) -> Picture:
    title = f"sample {example.sample:,}"
    if example.label is not None:
        title += f", labelled {class_name(report.classification.classes, example.label)}"
    differs = example.golden != example.device
    columns, rows = _bytes(example, report) if differs else _scores(example, report, output)
    known = images is not None and example.sample < len(images)
    return Picture(
        pixels=_thinned(images[example.sample]) if known and images is not None else None,
        alt=f"Input of {title}",
        detail=table(columns, rows, caption=title + (": differs from the golden, bytes" if differs else "")),
    )


def _thinned(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    step = -(-max(image.shape[:2]) // MAX_SIDE)
    return image[::step, ::step]


def _bytes(example: Example, report: Report) -> tuple[list[str], list[list[str | int]]]:
    """The output bytes that differ, those of the likeliest classes first."""
    golden, device = np.array(example.golden), np.array(example.device)
    order = [int(i) for i in np.argsort(-golden, kind="stable") if golden[i] != device[i]]
    rows: list[list[str | int]] = [
        [class_name(report.classification.classes, i), example.golden[i], example.device[i], _byte(example, i)]
        for i in order[:ROWS]
    ]
    if len(order) > ROWS:
        rows.append([f"and {len(order) - ROWS} more", "", "", ""])
    return ["class", "golden", "device", "LiteRT"], rows


def _byte(example: Example, i: int) -> str | int:
    return "–" if example.interpreter is None else example.interpreter[i]


def _scores(example: Example, report: Report, output: TensorInfo | None) -> tuple[list[str], list[list[str | int]]]:
    """A row for each of the top classes of any party, a column for each party; golden and device say the same."""
    parties = {
        **({"float": np.array(example.float)} if example.float is not None else {}),
        **({"LiteRT": _real(example.interpreter, output)} if example.interpreter is not None else {}),
        "device": _real(example.device, output),
    }
    top = {int(i) for scores in parties.values() for i in np.argsort(-scores, kind="stable")[:TOP]}
    if example.label is not None and example.label < len(example.device):
        top.add(example.label)
    shown = sorted(top, key=lambda i: -float(parties["device"][i]))[:ROWS]
    rows: list[list[str | int]] = [
        [class_name(report.classification.classes, i), *(f"{scores[i]:.2f}" for scores in parties.values())]
        for i in shown
    ]
    return ["class", *parties], rows


def _real(values: list[int], output: TensorInfo | None) -> np.ndarray:
    """Output bytes as real values, or the bytes where the model's scale is not known."""
    integers = np.array(values, float)
    return output.scale * (integers - output.zero_point) if output and output.size_bytes == len(values) else integers
