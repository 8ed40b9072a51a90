"""The validation as a user runs it: what was asked for, to a verdict on the terminal, report.json and report.html."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from pathlib import Path

from tinyproof import advice
from tinyproof.boards import BOARDS, find_board
from tinyproof.claim import claim
from tinyproof.console import UserError, console, make_writable
from tinyproof.host.judging.explanation import explain
from tinyproof.host.line.faults import LineSettings, parse_faults
from tinyproof.host.proof.stage import proof_line
from tinyproof.host.record.file import save_report
from tinyproof.host.report.junit import save_junit
from tinyproof.host.report.page import save_page
from tinyproof.host.report.summary import print_summary
from tinyproof.host.validate import Plan, validate
from tinyproof.manifest import load_manifest


@dataclass(frozen=True)
class Wishes:
    """What was asked for, as typed."""

    model: Path
    board_name: str
    ports: tuple[str, ...]
    devices: int
    baud: int
    throttle: int | None
    inject: str | None
    limit: int | None
    resume: bool
    sure: bool
    patience: float
    junit: Path | None


def validate_model(wishes: Wishes) -> int:
    """Validate, and leave the reports; returns the exit status. UserError where no comparison is possible."""
    plan = _plan(wishes)
    load_manifest(wishes.model)  # what is missing first
    claim(wishes.model)
    report = validate(plan)
    path = save_report(wishes.model, report)
    if wishes.junit:
        save_junit(report, wishes.junit)
    report = replace(report, explanation=explain(wishes.model, report))
    save_report(wishes.model, report)
    page = save_page(report, wishes.model)
    budget = BOARDS[report.board].budget if report.board in BOARDS else None
    print_summary(report, budget, f"{proof_line(report, wishes.model)}.")
    console.print(f"report: {page} (its numbers: {path.name})")
    return report.exit_status


def _plan(wishes: Wishes) -> Plan:
    board = find_board(wishes.board_name)
    if wishes.ports and wishes.devices > 1:
        raise UserError(
            f"{advice.setting('devices', wishes.devices)} starts emulated boards and {advice.name_of('port')} names "
            "one: give one of the two"
        )
    real = [os.path.realpath(port) for port in wishes.ports]
    if twice := [port for place, port in enumerate(wishes.ports) if real[place] in real[:place]]:
        raise UserError(f"{advice.name_of('port')} names {twice[0]} twice: name each device once")
    if wishes.patience != wishes.patience:
        raise UserError(f"{advice.setting('patience', 'nan')} is no time: give seconds, e.g. 60")
    if wishes.junit:
        make_writable(wishes.junit.parent, "junit")
    return Plan(
        model=wishes.model,
        board=board,
        ports=wishes.ports,
        devices=wishes.devices,
        limit=wishes.limit,
        baud=wishes.baud,
        line=LineSettings(wishes.throttle, parse_faults(wishes.inject) if wishes.inject else None),
        resume=wishes.resume,
        stop_when_sure=wishes.sure,
        patience_s=wishes.patience,
    )
