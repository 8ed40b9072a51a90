"""`tinyproof check-certificate`: exit status 0 proved, 1 partly proved, 2 refused."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from tinyproof.options import ModelFolder


@click.command("check-certificate")
@click.argument("folder", type=ModelFolder())
def command(folder: Path) -> None:
    """Check a model's certificate.json against its .tflite and its generated C, which is all that it reads.

    Example: tinyproof check-certificate build/digits_small
    """
    from tinyproof.host.proof.stage import check_certificate

    sys.exit(check_certificate(folder))
