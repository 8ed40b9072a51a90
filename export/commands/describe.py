"""`tinyproof describe`."""

from __future__ import annotations

from pathlib import Path

import click

from tinyproof.options import FILE


@click.command("describe")
@click.option("--tflite", required=True, type=FILE, help="The model to describe.")
def command(tflite: Path) -> None:
    """Show what is in a .tflite: ops, inputs, outputs, arena."""
    from tinyproof.export.describe import describe

    describe(tflite)
