"""`tinyproof docs`."""

from __future__ import annotations

import click


@click.command("docs")
def command() -> None:
    """Write the generated parts of README.md and docs/ again."""
    from tinyproof.console import console, write_atomically
    from tinyproof.host.generated_docs import generated_pages

    for path, text in generated_pages().items():
        write_atomically(path, text)
        console.print(f"wrote {path.name}")
