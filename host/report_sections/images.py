"""Samples worth looking at, each with what every party says about it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from export.manifest import Manifest, TensorInfo
from host.page import Picture, Section, gallery, note, table
from host.report import Example, Report
from host.report_sections.words import class_name

TOP = 2  # classes of each party
ROWS = 4  # classes of one sample
MAX_SIDE = 96  # pixels of a picture in the page: larger ones are thinned out


def add_images(
    section: Section, report: Report, manifest: Manifest | None, images: NDArray[np.uint8] | None, why_none: str
) -> None:
    """The gallery; without images the scores alone, and the reason."""
    if images is None:
        section.add(note(why_none))
    if not report.examples:
        section.add(
            "No sample differs from the golden, and none is misclassified." if report.samples else "No samples."
        )
        return
    output = manifest.outputs[0] if manifest and len(manifest.outputs) == 1 else None
    pictures = [_picture(example, report, output, images) for example in report.examples]
    section.add(gallery(pictures))


def _picture(example: Example, report: Report, output: TensorInfo | None, images: NDArray[np.uint8] | None) -> Picture:
    label = "" if example.label is None else f", labelled {class_name(report.classes, example.label)}"
    known = images is not None and example.sample < len(images)
    differs = " differs from the golden" if example.golden != example.device else ""
    return Picture(
        pixels=_thinned(images[example.sample]) if known and images is not None else None,
        alt=f"Sample {example.sample}{label}",
        detail=table(*_scores(example, report, output), caption=f"sample {example.sample:,}{label}{differs}"),
    )


def _thinned(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    step = -(-max(image.shape[:2]) // MAX_SIDE)
    return image[::step, ::step]


def _scores(example: Example, report: Report, output: TensorInfo | None) -> tuple[list[str], list[list[str]]]:
    """A row for each of the top classes of any party, a column for each party."""
    parties: dict[str, np.ndarray] = {}
    if example.float is not None:
        parties["float"] = np.array(example.float)
    parties["LiteRT"] = _real(example.interpreter, output)
    if example.golden == example.device:
        parties["golden and device"] = _real(example.device, output)
    else:
        parties["golden"] = _real(example.golden, output)
        parties["device"] = _real(example.device, output)
    top = {int(i) for scores in parties.values() for i in np.argsort(-scores, kind="stable")[:TOP]}
    if example.label is not None and example.label < len(example.device):
        top.add(example.label)
    leading = list(parties.values())[-1]
    shown = sorted(top, key=lambda i: -float(leading[i]))[:ROWS]
    rows = [[class_name(report.classes, i), *(f"{scores[i]:.2f}" for scores in parties.values())] for i in shown]
    return ["class", *parties], rows


def _real(values: list[int], output: TensorInfo | None) -> np.ndarray:
    """Output bytes as real values, or the bytes where the model's scale is not known."""
    integers = np.array(values, float)
    return output.scale * (integers - output.zero_point) if output and output.size_bytes == len(values) else integers
