"""`tinyproof fuzz-link`."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import click

from tinyproof.console import console, progress_bar
from tinyproof.host.fuzz import fuzz, print_outcomes
from tinyproof.options import BoardName, ModelFolder


@click.command("fuzz-link")
@click.option(
    "--model", default="build/digits_small", show_default=True, type=ModelFolder(), help="The model's folder."
)
@click.option(
    "--board",
    "board_name",
    type=BoardName(),
    default="host",
    show_default=True,
    help="A board that runs on this machine.",
)
@click.option("--count", default=200, show_default=True, type=click.IntRange(min=1), help="How many schedules.")
@click.option("--seed", default=0, show_default=True, type=click.IntRange(min=0), help="The first of them.")
@click.option(
    "--jobs", default=6, show_default=True, type=click.IntRange(1, 64), help="Runs at once; most of one waits."
)
def command(model: Path, board_name: str, count: int, seed: int, jobs: int) -> None:
    """Stream samples over bad lines. Exit status 1 when one broke a promise.

    Example: tinyproof fuzz-link --count 1000
    """
    started = time.monotonic()
    outcomes = []
    with progress_bar() as progress:
        task = progress.add_task("Schedules of faults", total=count)
        for outcome in fuzz(model, board_name, range(seed, seed + count), jobs):
            outcomes.append(outcome)
            progress.advance(task)
            if outcome.finding:
                console.print(f"seed {outcome.seed}: {outcome.finding}")
    print_outcomes(outcomes, time.monotonic() - started)
    sys.exit(1 if any(outcome.finding for outcome in outcomes) else 0)
