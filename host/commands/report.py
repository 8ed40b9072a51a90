"""`tinyproof report`."""

from __future__ import annotations

from pathlib import Path

import click

from tinyproof.claim import claim
from tinyproof.console import console
from tinyproof.options import model_option


@click.command("report")
@model_option
def command(model: Path) -> None:
    """Make report.html again, from the last validation's report.json.

    Example: tinyproof report --model build/digits_small
    """
    from tinyproof.host.record.file import load_report
    from tinyproof.host.report.page import save_page

    claim(model)
    console.print(f"report: {save_page(load_report(model), model)}")
