"""`python -m firmware`: the tools a board needs, and building its firmware."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import click

from firmware.boards import BOARDS, find_board
from firmware.toolchain import MissingTools, install_tools, with_compiler
from host.console import console, make_writable, run
from host.options import BoardName, board_option, compiler_option, engine_option, model_option, real_board_option


@click.group()
def main() -> None:
    """Build the device's firmware."""


@main.command()
@click.option(
    "--board",
    "board_names",
    type=BoardName(),
    multiple=True,
    help="A name from the table of boards; all of them if none is given.",
)
@compiler_option
@click.option("--if-possible", is_flag=True, help="Where something cannot be installed, say what is missing and go on.")
def tools(board_names: tuple[str, ...], compiler: str | None, if_possible: bool) -> None:
    """Install the compilers and emulators that boards need.

    With apt-get, where that is possible without a password; elsewhere it says what to install.
    """
    from firmware.fuzz import FUZZ

    boards = [with_compiler(find_board(name), compiler) for name in board_names]
    # The tests need each board's own compiler, and not only one that stands in for it.
    boards = boards or [replace(board, compilers=board.compilers[:1]) for board in (*BOARDS.values(), FUZZ)]
    try:
        install_tools(*boards)
    except MissingTools as error:
        if not if_possible:
            raise
        console.print(f"Going on without: {error.message}", markup=False, highlight=False)


@main.command()
@board_option
@model_option
@compiler_option
def build(board_name: str, model: Path, compiler: str | None) -> None:
    """Compile and link the firmware of a board around a model."""
    from export.manifest import load_manifest
    from firmware.build import build as build_firmware
    from firmware.build import image_path
    from firmware.sizes import print_budget

    board = with_compiler(find_board(board_name), compiler)
    sizes = build_firmware(model, board)
    if board.budget:
        print_budget("Memory", sizes.flash_bytes, sizes.ram_bytes, board.budget)
    if sizes.flash_bytes:
        console.print(
            f"Flash: weights {sizes.weight_bytes:,}, code {sizes.code_bytes:,}, golden vectors {sizes.golden_bytes:,}. "
            f"RAM: activations {load_manifest(model).arena_bytes:,}, stack {sizes.stack_bytes:,}."
        )
    console.print(
        f"firmware: {image_path(model, board)}, compiled by {sizes.compiler}, sha256 of its flash "
        f"{sizes.image_sha256[:16]}"
    )


@main.command()
@real_board_option
@model_option
@engine_option
def sketch(board_name: str, model: Path, engine: str | None) -> None:
    """Write a real board's firmware for the Arduino IDE or ESP-IDF."""
    from firmware.sketch import sketch as write_sketch

    console.print(f"sketch: {write_sketch(find_board(board_name), model, engine)}")


@main.command()
@click.option("--seconds", type=click.IntRange(min=0), default=60, show_default=True, help="0: the corpus alone.")
@click.option(
    "--out",
    default="build/fuzz",
    show_default=True,
    type=click.Path(path_type=Path),
    help="Where the fuzzer and what it finds go.",
)
def fuzz(seconds: int, out: Path) -> None:
    """Fuzz the firmware with malformed requests.

    Under libFuzzer and the sanitizers. Exit status 1 when something broke.

    Example: python -m firmware fuzz --seconds 3600
    """
    from firmware.fuzz import FUZZ, build_target
    from firmware.fuzz import fuzz as run_fuzzer

    make_writable(out)
    install_tools(FUZZ)
    target = build_target(out)
    console.print(f"Fuzzing for {seconds} s: {target}")
    fuzzed = run_fuzzer(target, seconds)
    console.print(f"{fuzzed.executions:,} executions, {fuzzed.coverage:,} edges of the firmware covered")
    if fuzzed.crash:
        console.print(f"{fuzzed.words}\nAgain: {target} {fuzzed.crash}", markup=False)
        sys.exit(1)


if __name__ == "__main__":
    run(main, "python -m firmware")
