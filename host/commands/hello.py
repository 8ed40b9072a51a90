"""`tinyproof hello`."""

from __future__ import annotations

from pathlib import Path

import click

from tinyproof.boards import find_board
from tinyproof.console import console, table
from tinyproof.options import board_option, model_option, port_option
from tinyproof.protocol import wire_fields


@click.command("hello")
@model_option
@board_option
@port_option
def command(model: Path, board_name: str, port: str | None) -> None:
    """Print what a device says about itself."""
    from tinyproof.host.connection import connect

    with connect(model, find_board(board_name), port) as device:
        reply = device.hello()
        rows = table(f"Device on {device.exchange.transport.url}", "", "", text=2)
    for name, kind, _ in wire_fields(type(reply)):
        value = getattr(reply, name)
        text = value.hex() if kind == "sha256" else "; ".join(map(str, value)) if kind == "tensors" else str(value)
        rows.add_row(name, text)
    console.print(rows)
