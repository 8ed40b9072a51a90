"""`tinyproof calibrate`."""

from __future__ import annotations

import click

from tinyproof.cores import CORES, CORTEX_M4F
from tinyproof.host.bench.calibrate import COUNTED, calibrate


@click.command("calibrate")
@click.option("--kernel", "kernels", multiple=True, help="Its price alone, e.g. conv2d_bytes.  [default: all prices]")
@click.option(
    "--core",
    type=click.Choice([core.name for core in COUNTED]),
    default=CORTEX_M4F.name,
    show_default=True,
    help="The core whose prices they are.",
)
def command(kernels: tuple[str, ...], core: str) -> None:
    """Fit the prices of kernels to counted cycles, or instructions; write export/cost_table.py. Takes some minutes."""
    calibrate(kernels, CORES[core])
