"""Where the report comes from: versions, hashes, and the exact commands that make it again."""

from __future__ import annotations

from pathlib import Path

from firmware.boards import BOARDS
from host.page import Section, code, facts
from host.report.report import Report
from training.files import TrainingRecord


def add_origin(section: Section, report: Report, folder: Path, record: TrainingRecord | None) -> None:
    """Commands first, then everything that was at work."""
    section.add(code(commands(report, folder, record), "commands that make this report again"))
    section.add(
        "The same three hashes mean: the same model, the same samples, the same answers in the same order."
        if report.run_sha256
        else "The same hashes mean: the same model and the same samples."
    )
    section.add(
        facts(
            [
                ("model, SHA-256", report.model_sha256),
                ("samples, SHA-256", report.samples_sha256),
                ("answers, SHA-256", report.run_sha256 or None),
            ]
        )
    )
    section.sub("Environment")
    section.add(
        facts(
            [
                ("run ended", report.ended or None),
                ("golden", report.golden + ("" if report.golden_is_bit_exact else ", which is not bit-exact")),
                ("Python's interpreter", report.interpreter),
                ("board, engine", f"{report.board}, {report.engine}"),
                *report.versions.items(),
            ]
        )
    )
    if record:
        section.sub("How the model was trained")
        section.add(
            facts(
                [
                    ("data", f"{record.dataset}: {record.origin}"),
                    ("preset", record.preset),
                    ("epochs", record.epochs_run),
                    *(
                        (name.replace("_", " "), f"{value}")
                        for name, value in record.recipe.items()
                        if name != "epochs"
                    ),
                    ("seed", record.seed),
                    *((f"training with {name}", version) for name, version in record.versions.items()),
                ]
            )
        )


def commands(report: Report, folder: Path, record: TrainingRecord | None) -> str:
    """What to type in a checkout of the project."""
    name, lines = folder.resolve().name, []
    if record:
        lines.append(f"make train export DATASET={record.dataset} PRESET={record.preset} SEED={record.seed}")
    else:
        lines.append(f"make export TFLITE={name}.tflite    # the file whose SHA-256 stands below")
    board = BOARDS.get(report.board)
    if board and board.sources:
        lines.append(f"make {'flash' if board.application else 'build'} MODEL={name} BOARD={report.board}")
    if report.command:
        lines.append(report.command)
    lines.append(f"make report MODEL={name}    # this page again, from report.json")
    return "\n".join(lines)
