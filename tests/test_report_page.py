"""report.html: made from report.json alone, honest about what it does not know, and without a fault for any run."""

from __future__ import annotations

import json

import pytest
from page_check import faults

from host.console import UserError
from host.report import Report
from host.report_file import load_report
from host.report_page import build_page, look_beside, save_page


@pytest.fixture(scope="module")
def run(tmp_path_factory, request):
    """A real validation of the demo's model on the interpreter board: (folder, its report)."""
    import shutil

    from conftest import DEMO_MODEL

    from firmware.boards import find_board
    from host.validate import Plan, validate

    folder = tmp_path_factory.mktemp("run") / DEMO_MODEL.name
    shutil.copytree(DEMO_MODEL, folder, ignore=shutil.ignore_patterns("expected.npz", "report.*", "host*", "qemu*"))
    report = validate(Plan(folder, find_board("interpreter"), limit=60))
    report.save(folder)
    return folder, report


def html(report: Report, folder) -> str:
    return build_page(report, look_beside(report, folder)).html()


def test_a_report_survives_its_file(run):
    folder, report = run
    assert load_report(folder) == report


def test_the_page_of_a_run_has_no_faults(run):
    folder, report = run
    page = save_page(report, folder).read_text(encoding="utf-8")
    assert faults(page) == []
    assert len(page.encode()) < 1_000_000


@pytest.mark.parametrize(
    "damage",
    [
        lambda r: r.pop("samples"),
        lambda r: r.update(samples="many"),
        lambda r: r.update(samples=True),
        lambda r: r.update(accuracy=None),
        lambda r: r["accuracy"].update(float="1"),
        lambda r: r.update(differences=[{"sample": 1}]),
        lambda r: r.update(versions=["3.11"]),
        lambda r: r.update(from_the_future=1),
        lambda r: r.update(examples=[[]]),
    ],
)
def test_a_damaged_report_is_refused_in_one_line(run, tmp_path, damage):
    folder, _ = run
    content = json.loads((folder / "report.json").read_text())
    damage(content)
    (tmp_path / "report.json").write_text(json.dumps(content))
    with pytest.raises(UserError, match="make validate"):
        load_report(tmp_path)


@pytest.mark.parametrize("content", ["", "{", "[]", "null", "[" * 100_000, '{"verdict": "equal"}'])
def test_what_is_no_report_is_refused(tmp_path, content):
    (tmp_path / "report.json").write_text(content)
    with pytest.raises(UserError, match="make validate"):
        load_report(tmp_path)


def test_no_report_names_the_command_that_makes_one(command, tmp_path):
    result = command("host", "report", tmp_path)
    assert result.returncode == 2
    assert result.stderr.count("\n") == 1 and "make validate" in result.stderr


def test_the_json_alone_is_enough(run, tmp_path):
    _, report = run
    page = html(report, tmp_path)
    assert faults(page) == []
    assert "holds no exported model" in page and "not known" in page
