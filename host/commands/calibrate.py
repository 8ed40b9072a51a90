"""`tinyproof calibrate`."""

from __future__ import annotations

import click

from tinyproof.host.bench.calibrate import calibrate


@click.command("calibrate")
@click.option("--kernel", "kernels", multiple=True, help="Its price alone, e.g. conv2d_bytes.  [default: all prices]")
def command(kernels: tuple[str, ...]) -> None:
    """Fit the prices of kernels to counted cycles; write export/cost_table.py. Takes some minutes."""
    calibrate(kernels)
