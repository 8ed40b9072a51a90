"""`tinyproof training-report`."""

from __future__ import annotations

from pathlib import Path

import click

from tinyproof.claim import claim
from tinyproof.console import console
from tinyproof.options import model_option


@click.command("training-report")
@model_option
def command(model: Path) -> None:
    """Write training.html into a model's folder again."""
    from tinyproof.training.report import write_report

    claim(model)
    console.print(f"wrote {write_report(model)}", markup=False)
