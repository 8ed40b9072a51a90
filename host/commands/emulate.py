"""`tinyproof emulate`."""

from __future__ import annotations

from pathlib import Path

import click

from tinyproof import advice
from tinyproof.boards import find_board
from tinyproof.claim import release
from tinyproof.console import console
from tinyproof.host.connection import start
from tinyproof.manifest import load_manifest
from tinyproof.options import BoardName, model_option


@click.command("emulate")
@model_option
@click.option(
    "--board",
    "board_name",
    type=BoardName(),
    default="interpreter",
    show_default=True,
    help="What stands behind the port.",
)
def command(model: Path, board_name: str) -> None:
    """Run a device on a pseudo-terminal; prints its port. Ctrl-C ends it."""
    manifest = load_manifest(model)
    with start(model, find_board(board_name)) as process:
        release(model)  # what is validated through its port is another run's
        console.print(f"{manifest.name} answers on port [bold]{process.port}[/] (board {board_name}). Try, elsewhere:")
        console.print(f"  {advice.command('validate', model=model, port=process.port)}", markup=False)
        console.print("Ctrl-C ends it.")
        try:
            process.process.wait()
        except KeyboardInterrupt:
            return
        raise click.ClickException(process.last_words())
