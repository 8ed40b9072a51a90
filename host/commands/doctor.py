"""`tinyproof doctor`."""

from __future__ import annotations

import sys

import click


@click.command("doctor")
def command() -> None:
    """Say what is installed and plugged in, and what to do.

    Exit status 2 if the demo cannot run.
    """
    from tinyproof.host.doctor import examine, print_checks

    checks = examine()
    print_checks(checks)
    sys.exit(2 if any(check.stops_demo for check in checks) else 0)
