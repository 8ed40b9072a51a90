"""report.html: one self-contained page beside report.json, made from it and from what else lies in the model's folder.

Nothing is computed again and no device is asked; whatever the folder no longer holds is left out, with the reason.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from tinyproof.boards import BOARDS
from tinyproof.console import UserError
from tinyproof.cores import PORTABLE
from tinyproof.fidelity import load_fidelity
from tinyproof.host.proof.stage import proof_line
from tinyproof.host.record.report import Report
from tinyproof.host.report.sections.classes import add_classes
from tinyproof.host.report.sections.cost import add_memory, add_time
from tinyproof.host.report.sections.differences import add_differences
from tinyproof.host.report.sections.fidelity import add_fidelity
from tinyproof.host.report.sections.images import add_images
from tinyproof.host.report.sections.journey import add_journey
from tinyproof.host.report.sections.line import add_line
from tinyproof.host.report.sections.looks import add_looks
from tinyproof.host.report.sections.numbers import add_numbers
from tinyproof.host.report.sections.ops import add_ops
from tinyproof.host.report.sections.origin import add_origin
from tinyproof.host.report.sections.todo import add_todo, remedies
from tinyproof.host.report.sections.verdict import use_verdict, verdict
from tinyproof.host.report.sections.words import count
from tinyproof.host.report.usefulness import usefulness
from tinyproof.host.samples import load_samples
from tinyproof.manifest import Manifest, load_manifest
from tinyproof.model_files import SPLITS_FILE, TRAINING_FILE, TrainingRecord, load_record, load_splits
from tinyproof.page import Page, note

PAGE_FILE = "report.html"
T = TypeVar("T")


@dataclass(frozen=True, eq=False)
class Beside:
    """What lies beside report.json and belongs to the same model; None, and why, where it does not."""

    folder: Path
    manifest: Manifest | None
    record: TrainingRecord | None
    images: NDArray[np.uint8] | None  # (N,H,W,C), the samples of the run in their order
    why_no_images: str


def save_page(report: Report, model: Path) -> Path:
    """Write report.html into the model's folder."""
    return build_page(report, look_beside(report, model)).save(model / PAGE_FILE)


def look_beside(report: Report, model: Path) -> Beside:
    """Read the folder. What is damaged or of another model counts as not there: a report must not need it."""
    manifest = _readable(lambda: load_manifest(model))
    if manifest is None:
        return Beside(
            model, None, None, None, "The report's folder holds no exported model, so the images are not shown."
        )
    if manifest.model_sha256 != report.model_sha256:
        return Beside(
            model, None, None, None, "The report's folder now holds another model, so the images are not shown."
        )
    record = _readable(lambda: load_record(model / TRAINING_FILE))
    images, why = _images(report, model, manifest)
    return Beside(model, manifest, record, images, why)


def _images(report: Report, model: Path, manifest: Manifest) -> tuple[NDArray[np.uint8] | None, str]:
    """The run's images, or why there are none to show."""
    if not (model / SPLITS_FILE).is_file():
        return None, "The inputs are random bytes: there is nothing to see in them."
    samples = _readable(lambda: load_samples(model, manifest, report.sampling.planned or report.samples or None))
    splits = _readable(lambda: load_splits(model / SPLITS_FILE))
    if samples is None or splits is None or samples.sha256 != report.sampling.sha256:
        return None, "The folder no longer holds the images of the run."
    return splits.x_test, ""


def _readable(read: Callable[[], T]) -> T | None:
    try:
        return read()
    except UserError:
        return None


def build_page(report: Report, beside: Beside) -> Page:
    """All of it; sections stand in the order in which an engineer asks."""
    page = Page(
        f"{report.model} on {report.board}",
        subtitle=f"Validation of {count(report.samples, 'sample')} with engine {report.engine}",
        footer=f"Made by tinyproof {version('tinyproof')} from report.json, which holds every number of this page.",
    )
    useful = usefulness(report)
    if useful and useful.kind == "bad":  # before an *equal* that would be read as praise
        page.add(use_verdict(useful))
    page.add(verdict(report, proof_line(report, beside.folder)))
    if useful and useful.kind != "bad":
        page.add(use_verdict(useful))
    if report.differences or report.disagreements:
        add_differences(page.section("What differs"), report)
    add_numbers(page.section("Three numbers, never mixed"), report)
    if fidelity := load_fidelity(beside.folder, report.model_sha256):
        add_fidelity(page.section("What int8 costs", "Int8 against the float network it was made of."), fidelity)
    if report.classification.confusion.int8_device is not None:
        add_classes(page.section("Classes", "What is taken for what, against the labels."), report)
    _confusions(page, report, beside)
    if report.examples:
        intro = "What each party says about samples that differ from the golden, then about misclassified ones."
        add_images(page.section("Samples", intro), report, beside.manifest, beside.images, beside.why_no_images)
    _explain(page, report, beside)
    add_time(page.section("Time"), report)
    if report.diagnosis.ops:
        add_ops(page.section("Ops"), report)
    add_memory(page.section("Memory"), report)
    model = page.section("Model")
    if beside.manifest:
        core = BOARDS[report.board].core if report.board in BOARDS else PORTABLE
        compiled = beside.manifest.compiled.get(core.name)
        add_journey(model, beside.manifest, compiled, with_bars=not report.diagnosis.ops)
    else:
        model.add(note("The folder of this report does not hold the model it is about, so its ops are not known."))
    add_line(page.section("Devices and line"), report, beside.manifest)
    add_origin(page.section("Make it again"), report, beside.folder, beside.record)
    return page


def _confusions(page: Page, report: Report, beside: Beside) -> None:
    sides = beside.manifest.inputs[0].shape[1:3] if beside.manifest else ()
    if len(sides) == 2 and (found := remedies(report, beside.record, sides)):
        add_todo(page.section("What it confuses"), found)


def _explain(page: Page, report: Report, beside: Beside) -> None:
    if report.explanation is not None:
        section = page.section("What it looks at", "The parts of a picture that an answer rests on.")
        add_looks(section, report.explanation, beside.images, beside.why_no_images, report.classification.classes)
