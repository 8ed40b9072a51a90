"""`tinyproof docs`."""

from __future__ import annotations

import click

from tinyproof.console import console, write_atomically
from tinyproof.protocol_docs import PAGE, protocol_page


@click.command("docs")
def command() -> None:
    """Write the generated pages of docs/ again."""
    write_atomically(PAGE, protocol_page())
    console.print(f"wrote {PAGE.name}")
