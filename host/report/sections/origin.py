"""Where the report comes from: versions, hashes, and the exact commands that make it again."""

from __future__ import annotations

from pathlib import Path

from tinyproof import advice
from tinyproof.boards import BOARDS
from tinyproof.host.record.report import Report
from tinyproof.model_files import TrainingRecord
from tinyproof.page import Section, code, facts


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
                ("samples, SHA-256", report.sampling.sha256),
                ("answers, SHA-256", report.run_sha256 or None),
            ]
        )
    )
    section.sub("Environment")
    section.add(
        facts(
            [
                ("run ended", report.origin.ended or None),
                (
                    "golden",
                    report.reference.golden
                    + ("" if report.reference.golden_is_bit_exact else ", which is not bit-exact"),
                ),
                ("Python's interpreter", report.reference.interpreter),
                ("board, engine", f"{report.board}, {report.engine}"),
                *report.origin.versions.items(),
            ]
        )
    )
    if record:
        section.sub("How the model was trained")
        section.add(facts(_training(record)))


def _training(record: TrainingRecord) -> list[tuple[str, str | int]]:
    recipe = ((name.replace("_", " "), f"{value}") for name, value in record.recipe.items() if name != "epochs")
    return [
        ("data", f"{record.dataset}: {record.origin}"),
        ("preset", record.preset),
        ("epochs", record.epochs_run),
        *recipe,
        ("seed", record.seed),
        *((f"training with {name}", version) for name, version in record.versions.items()),
    ]


def commands(report: Report, folder: Path, record: TrainingRecord | None) -> str:
    """What to type."""
    model, lines = folder.resolve(), []
    if record:
        chosen = {"dataset": record.dataset, "preset": record.preset, "seed": record.seed}
        lines.append(advice.command_line("train", **chosen, out=model))
        lines.append(advice.command_line("export", model=model))
    else:
        source = advice.command_line("export", tflite=f"{model.name}.tflite", model=model)
        lines.append(f"{source}    # the file whose SHA-256 stands below")
    board = BOARDS.get(report.board)
    if board and board.sources:
        lines.append(advice.command_line("flash" if board.is_real else "build", model=model, board=report.board))
    if report.origin.command:
        lines.append(report.origin.command)
    lines.append(f"{advice.command_line('report', model=model)}    # this page again, from report.json")
    return "\n".join(lines)
