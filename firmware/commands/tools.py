"""`tinyproof tools`."""

from __future__ import annotations

from dataclasses import replace

import click

from tinyproof.boards import BOARDS, find_board
from tinyproof.compilers import CHROMIUM
from tinyproof.console import console
from tinyproof.firmware.fuzz_boards import FUZZ
from tinyproof.installing import MissingTools, install_tools
from tinyproof.options import BoardName, compiler_option
from tinyproof.toolchain import find_browser, with_compiler


@click.command("tools")
@click.option(
    "--board",
    "board_names",
    type=BoardName(),
    multiple=True,
    help="A name from the table of boards; all of them if none is given.",
)
@compiler_option
@click.option("--if-possible", is_flag=True, help="Where something cannot be installed, say what is missing and go on.")
def command(board_names: tuple[str, ...], compiler: str | None, if_possible: bool) -> None:
    """Install the compilers and emulators that boards need.

    With apt-get, where that is possible without a password; elsewhere it says what to install.
    """
    boards = [with_compiler(find_board(name), compiler) for name in board_names]
    # The tests need each board's own compiler, and not only one that stands in for it.
    others = () if boards or find_browser() else (CHROMIUM,)
    boards = boards or [replace(board, compilers=board.compilers[:1]) for board in (*BOARDS.values(), FUZZ)]
    try:
        install_tools(*boards, others=others)
    except MissingTools as error:
        if not if_possible:
            raise
        console.print(f"Going on without: {error.message}", markup=False, highlight=False)
