"""The verdict as JUnit XML, the format in which CI systems take test results: a test case for every question asked."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from host.report import Report

ACCURACY_DROP_LIMIT = 0.01  # of the device below the float model, in share


@dataclass(frozen=True)
class Case:
    """One question. `failure` says what is wrong; `skipped` why it cannot be answered; both empty: passed."""

    name: str
    failure: str = ""
    skipped: str = ""


def cases(report: Report) -> list[Case]:
    """Every question that a validation answers, with its answer."""
    return []


def save_junit(report: Report, path: Path) -> None:
    """Write them."""
