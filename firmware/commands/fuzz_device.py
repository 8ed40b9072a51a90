"""`tinyproof fuzz-device`."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import click

from tinyproof.console import console, make_writable
from tinyproof.firmware.fuzz import build_target, fuzz, play
from tinyproof.firmware.fuzz_boards import FUZZ, LOOP
from tinyproof.folders import BUILD
from tinyproof.installing import install_tools


@click.command("fuzz-device")
@click.option("--seconds", type=click.IntRange(min=0), default=60, show_default=True, help="0: the corpus alone.")
@click.option(
    "--count",
    type=click.IntRange(min=0),
    default=10_000_000,
    show_default=True,
    help="So many random requests as well, without coverage: some million a second.",
)
@click.option("--seed", type=click.IntRange(0, 2**32), default=0, show_default=True, help="The first of their inputs.")
@click.option(
    "--out",
    default=BUILD / "fuzz",
    show_default=True,
    type=click.Path(path_type=Path),
    help="Where the fuzzer and what it finds go.",
)
def command(seconds: int, count: int, seed: int, out: Path) -> None:
    """Fuzz the firmware with malformed requests.

    Under libFuzzer and the sanitizers, then in a plain loop under the sanitizers alone. Exit status 1 when something
    broke.

    Example: tinyproof fuzz-device --seconds 3600 --count 1000000000
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
    loop = build_target(out, LOOP)
    started = time.monotonic()
    played = play(loop, count, seed)
    if played.words:
        console.print(f"{played.words}\nAgain: {loop} and that number, then 1", markup=False)
        sys.exit(1)
    answers = ", ".join(f"{name} {number:,}" for name, number in played.answers.items() if number)
    console.print(f"{played.requests:,} random requests in {time.monotonic() - started:.0f} s; answers: {answers}")
