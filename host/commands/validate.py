"""`tinyproof validate`: exit status 0 equal, 1 different, 2 could not tell."""

from __future__ import annotations

import sys
from typing import Any

import click

from tinyproof.console import UserError
from tinyproof.host.line.faults import parse_faults
from tinyproof.host.pace import PATIENCE_S
from tinyproof.line import FASTEST_BAUD
from tinyproof.options import FileToWrite, PortName, board_option, model_option


class FaultsText(click.types.StringParamType):
    """The text of `parse_faults`, refused where it is none."""

    name = "faults"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The text as it is."""
        try:
            parse_faults(value)
        except UserError as error:
            self.fail(error.message, param, ctx)
        return value


@click.command("validate")
@model_option
@board_option
@click.option(
    "--port",
    "ports",
    type=PortName(),
    multiple=True,
    help="A serial port or pyserial URL (rfc2217://host:port, socket://host:port); again for several devices. Without "
    "it a real board is found on USB, any other started on this machine.",
)
@click.option("--devices", type=click.IntRange(1, 64), default=1, help="Start that many emulated boards.")
@click.option(
    "--baud",
    type=click.IntRange(min=1),
    default=FASTEST_BAUD,
    show_default=True,
    help="The speed a UART is to work at; lower where exchanges show that it does not.",
)
@click.option("--throttle", type=click.IntRange(min=1), help="Baud that the line of an emulated board really has.")
@click.option(
    "--inject",
    type=FaultsText(),
    help="Faults on the line of an emulated board: a seed, or e.g. 7:drop,flip:2000 (docs/link.md).",
)
@click.option("--limit", type=click.IntRange(min=1), help="Only the first N samples.")
@click.option("--resume", is_flag=True, help="Go on with the interrupted run of this model, as its journal has it.")
@click.option(
    "--stop-when-sure", "--sure", "sure", is_flag=True, help="End once fewer than 0.5 % of samples differ, at 99 %."
)
@click.option(
    "--patience",
    type=click.FloatRange(min=0),
    default=PATIENCE_S,
    show_default=True,
    help="Seconds for a device to come back.",
)
@click.option("--junit", type=FileToWrite(), help="Also write a JUnit XML file, for CI.")
def command(**wishes: Any) -> None:
    """Compare every output byte of devices with the golden's.

    Streams the test samples through them and writes report.html and report.json.

    Example: tinyproof validate --model build/digits_small --port /dev/ttyACM0
    """
    from tinyproof.host.stage import Wishes, validate_model

    sys.exit(validate_model(Wishes(**wishes)))
