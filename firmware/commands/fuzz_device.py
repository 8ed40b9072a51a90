"""`tinyproof fuzz-device`."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from tinyproof.console import console, make_writable
from tinyproof.firmware.fuzz import FUZZ, build_target, fuzz
from tinyproof.folders import BUILD
from tinyproof.installing import install_tools


@click.command("fuzz-device")
@click.option("--seconds", type=click.IntRange(min=0), default=60, show_default=True, help="0: the corpus alone.")
@click.option(
    "--out",
    default=BUILD / "fuzz",
    show_default=True,
    type=click.Path(path_type=Path),
    help="Where the fuzzer and what it finds go.",
)
def command(seconds: int, out: Path) -> None:
    """Fuzz the firmware with malformed requests.

    Under libFuzzer and the sanitizers. Exit status 1 when something broke.

    Example: tinyproof fuzz-device --seconds 3600
    """
    make_writable(out)
    install_tools(FUZZ)
    target = build_target(out)
    console.print(f"Fuzzing for {seconds} s: {target}")
    fuzzed = fuzz(target, seconds)
    console.print(f"{fuzzed.executions:,} executions, {fuzzed.coverage:,} edges of the firmware covered")
    if fuzzed.crash:
        console.print(f"{fuzzed.words}\nAgain: {target} {fuzzed.crash}", markup=False)
        sys.exit(1)
