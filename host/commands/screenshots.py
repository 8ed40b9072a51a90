"""`tinyproof screenshots`."""

from __future__ import annotations

import click

from tinyproof.host.report.screenshots import take_screenshots


@click.command("screenshots")
def command() -> None:
    """Make every picture of docs/images again."""
    take_screenshots()
