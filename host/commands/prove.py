"""`tinyproof prove`: exit status 0 proved, 1 partly proved, 2 refused."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from tinyproof.options import model_option


@click.command("prove")
@model_option
def command(model: Path) -> None:
    """Prove that the exported C gives the golden's bytes for every input.

    Writes certificate.json, and checks it. Exit status 1 where a part is not proved.

    Example: tinyproof prove --model build/digits_small
    """
    from tinyproof.host.proof.stage import prove

    sys.exit(prove(model))
