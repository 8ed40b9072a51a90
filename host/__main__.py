"""`python -m host`: talk to devices. Exit status 0 equal, 1 different, 2 could not tell."""

from __future__ import annotations

import signal
import sys
from pathlib import Path

import click

from host.console import UserError, console, make_writable, run
from host.options import (
    BoardName,
    PortName,
    board_option,
    board_option_for,
    compiler_option,
    engine_option,
    model_option,
    port_option,
    real_board_option,
)


@click.group()
def main() -> None:
    """Validate devices, or stand in for one."""


@main.command()
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
    default=921600,
    show_default=True,
    help="The speed a UART is to work at; lower where exchanges show that it does not.",
)
@click.option("--throttle", type=click.IntRange(min=1), help="Baud that the line of an emulated board really has.")
@click.option(
    "--inject", help="Faults on the line of an emulated board: a seed, or e.g. 7:drop,flip:2000 (docs/link.md)."
)
@click.option("--limit", type=click.IntRange(min=1), help="Only the first N samples.")
@click.option("--resume", is_flag=True, help="Go on with the interrupted run of this model, as its journal has it.")
@click.option(
    "--stop-when-sure", "--sure", "sure", is_flag=True, help="End once fewer than 0.5 % of samples differ, at 99 %."
)
@click.option(
    "--patience", type=click.FloatRange(min=0), default=60, show_default=True, help="Seconds for a device to come back."
)
@click.option("--junit", type=click.Path(path_type=Path, dir_okay=False), help="Also write a JUnit XML file, for CI.")
def validate(
    model: Path,
    board_name: str,
    ports: tuple[str, ...],
    devices: int,
    baud: int,
    throttle: int | None,
    inject: str | None,
    limit: int | None,
    resume: bool,
    sure: bool,
    patience: float,
    junit: Path | None,
) -> None:
    """Compare every output byte of devices with the golden's.

    Streams the test samples through them and writes report.html and report.json.

    Example: python -m host validate --model build/digits_small --port /dev/ttyACM0
    """
    from firmware.boards import BOARDS, find_board
    from host.line.faults import LineSettings, parse_faults
    from host.report.junit import save_junit
    from host.report.page import save_page
    from host.report.summary import print_summary
    from host.validate import Plan
    from host.validate import validate as run_validation

    signal.signal(signal.SIGTERM, signal.default_int_handler)  # a stopped job ends like Ctrl-C
    board = find_board(board_name)
    if ports and devices > 1:
        raise UserError(f"--devices {devices} starts emulated boards and --port names one: give one of the two")
    if patience != patience:
        raise UserError("--patience nan is no time: give seconds, e.g. 60")
    if junit:
        make_writable(junit.parent, "choose another --junit")
    line = LineSettings(throttle, parse_faults(inject) if inject else None)
    report = run_validation(Plan(model, board, ports, devices, limit, baud, line, resume, sure, patience))
    path = report.save(model)
    if junit:
        save_junit(report, junit)
    page = save_page(report, model)
    print_summary(report, BOARDS[report.board].budget if report.board in BOARDS else None)
    console.print(f"report: {page} (its numbers: {path.name})")
    sys.exit(report.exit_status)


@main.command()
@model_option
def report(model: Path) -> None:
    """Make report.html again, from the last validation's report.json.

    Example: python -m host report --model build/digits_small
    """
    from host.report.file import load_report
    from host.report.page import save_page

    console.print(f"report: {save_page(load_report(model), model)}")


@main.command()
@click.option("--dataset", default="digits", show_default=True, help="A data set, or a folder of pictures.")
@click.option("--preset", default="small", show_default=True, help="The network.")
@board_option_for("A board that runs on this machine.")
@click.option("--limit", type=click.IntRange(min=1), help="Only the first N samples.")
@compiler_option
def demo(dataset: str, preset: str, board_name: str, limit: int | None, compiler: str | None) -> None:
    """From training to the verdict of an emulated chip, without `make`."""
    from firmware.boards import find_board
    from host.demo import demo as run_demo

    sys.exit(run_demo(dataset, preset, find_board(board_name), limit, compiler))


@main.command()
@model_option
@click.option(
    "--board",
    "board_name",
    type=BoardName(),
    default="interpreter",
    show_default=True,
    help="What stands behind the port.",
)
def emulate(model: Path, board_name: str) -> None:
    """Run a device on a pseudo-terminal; prints its port. Ctrl-C ends it."""
    from export.manifest import load_manifest
    from firmware.boards import find_board
    from host.connection import start

    manifest = load_manifest(model)
    with start(model, find_board(board_name)) as process:
        console.print(f"{manifest.name} answers on port [bold]{process.port}[/] (board {board_name}). Try, elsewhere:")
        console.print(f"  make validate MODEL={manifest.name} PORT={process.port}")
        console.print("Ctrl-C ends it.")
        try:
            process.process.wait()
        except KeyboardInterrupt:
            return
        raise click.ClickException(process.last_words())


@main.command()
@model_option
@board_option
@port_option
def hello(model: Path, board_name: str, port: str | None) -> None:
    """Print what a device says about itself."""
    from firmware.boards import find_board
    from host.connection import connect
    from host.console import table
    from host.protocol import wire_fields

    with connect(model, find_board(board_name), port) as device:
        reply = device.hello()
        rows = table(f"Device on {device.transport.url}", "", "", text=2)
    for name, kind, _ in wire_fields(type(reply)):
        value = getattr(reply, name)
        text = value.hex() if kind == "sha256" else "; ".join(map(str, value)) if kind == "tensors" else str(value)
        rows.add_row(name, text)
    console.print(rows)


@main.command()
@model_option
@board_option
@port_option
def profile(model: Path, board_name: str, port: str | None) -> None:
    """Print what every op of an inference costs on a device.

    Example: python -m host profile --model build/digits_small --board qemu
    """
    from firmware.boards import find_board
    from host.diagnosis.commands import profile as run_profile

    run_profile(model, find_board(board_name), port)


@main.command()
@model_option
@board_option
@port_option
@click.option("--sample", type=click.IntRange(min=0), default=0, show_default=True, help="Its number, from 0.")
def bisect(model: Path, board_name: str, port: str | None, sample: int) -> None:
    """Find the first op of one sample that is not the golden's. Exit status 1 if there is one.

    Example: python -m host bisect --model build/digits_small --port /dev/ttyACM0 --sample 17
    """
    from firmware.boards import find_board
    from host.diagnosis.commands import bisect as run_bisect

    sys.exit(0 if run_bisect(model, find_board(board_name), port, sample) else 1)


@main.command()
@model_option
@real_board_option
@engine_option
@click.option("--port", type=PortName(), help="Its serial port; without it it is found by USB ids.")
def flash(model: Path, board_name: str, engine: str | None, port: str | None) -> None:
    """Build for a real board, upload, and hear from it.

    It says which model it runs, and whether its self-test passed.
    """
    from firmware.boards import find_board
    from host.flash import flash as flash_board

    flash_board(find_board(board_name), model, engine, port)
    console.print(f"Next: make validate BOARD={board_name} MODEL={model.resolve().name}")


@main.command()
def doctor() -> None:
    """Say what is installed and plugged in, and what to do.

    Exit status 2 if the demo cannot run.
    """
    from host.doctor import examine, print_checks

    checks = examine()
    print_checks(checks)
    sys.exit(2 if any(check.stops_demo for check in checks) else 0)


if __name__ == "__main__":
    run(main, "python -m host")
