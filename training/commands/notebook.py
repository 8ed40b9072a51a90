"""`tinyproof notebook`."""

from __future__ import annotations

from pathlib import Path

import click

from tinyproof.options import model_option


@click.command("notebook")
@model_option
@click.option("--open/--no-open", "opens", default=True, help="Start JupyterLab on it.")
def command(model: Path, opens: bool) -> None:
    """Put the lab's notebook into a model's folder and open it.

    A convolution by hand, filters to change in place, pooling, what the network learned, int8 beside float. The copy is
    yours: it is kept as you left it, and made anew when you delete it.
    """
    from tinyproof.claim import claim, release
    from tinyproof.console import console
    from tinyproof.training.lab.notebook import open_copy, write_copy

    claim(model)
    copy = write_copy(model)
    release(model)  # it may stay open for long
    console.print(f"notebook: {copy}", markup=False)
    if opens:
        open_copy(copy)
