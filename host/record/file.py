"""report.json: the record of a validation in its model's folder."""

from __future__ import annotations

from pathlib import Path

from tinyproof import advice
from tinyproof.host.record.report import Report
from tinyproof.json_files import read_json, write_json

REPORT_FILE = "report.json"


def save_report(model: Path, report: Report) -> Path:
    """Write report.json into the model's folder; the verdict comes first, for who reads no more."""
    write_json(model / REPORT_FILE, report, verdict=report.verdict)
    return model / REPORT_FILE


def load_report(model: Path) -> Report:
    """The report in the folder `model`. UserError when there is none, or none that this version understands."""
    return read_json(model / REPORT_FILE, Report, f"run `{advice.command('validate')}`", without=("verdict",))
