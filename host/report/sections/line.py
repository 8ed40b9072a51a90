"""Who answered, over which line, and what the line cost: nothing that was lost on it can have changed a result."""

from __future__ import annotations

from tinyproof.host.record.parts import DeviceResult
from tinyproof.host.record.report import Report
from tinyproof.host.report.sections.words import count
from tinyproof.manifest import Manifest
from tinyproof.page import Cell, Section, facts, table


def add_line(section: Section, report: Report, manifest: Manifest | None) -> None:
    """A row for each device, then the bytes."""
    if report.devices:
        rows: list[list[Cell]] = [
            [
                device.url,
                f"{device.board}, {device.engine}",
                device.samples,
                device.resumed,
                _self_test(device),
                device.resent,
                device.chunks_dropped,
                device.reconnects,
                device.resets,
                device.ended or "with the run",
            ]
            for device in report.devices
        ]
        columns = [
            "port",
            "board, engine",
            "samples",
            "resumed",
            "self-test",
            "resent",
            "damaged",
            "reconnects",
            "resets",
            "ended",
        ]
        section.add(table(columns, rows, caption=f"{count(len(report.devices), 'device')}"))
    items: list[tuple[str, str | int | None]] = [
        ("bytes to the device", _bytes(report.line.bytes_to_device, manifest.input_bytes if manifest else 0, report)),
        (
            "bytes from the device",
            _bytes(report.line.bytes_from_device, manifest.output_bytes if manifest else 0, report),
        ),
        ("requests asked for again", report.line.requests_resent),
        ("damaged chunks dropped", report.line.chunks_dropped),
        ("whole run", f"{report.origin.seconds:,.1f} s"),
    ]
    section.add(facts(items))
    section.add(
        "Every frame carries a CRC-32: what was damaged on the line was dropped and asked for again, so that the line "
        "cannot be the cause of a difference."
    )


def _self_test(device: DeviceResult) -> str:
    passed = device.self_test_vectors - device.self_test_failures
    return f"{passed} of {device.self_test_vectors}" if device.self_test_vectors else "none"


def _bytes(total: int, each: int, report: Report) -> str:
    fresh = report.samples - report.sampling.resumed
    payload = each * fresh
    return f"{total:,}" + (
        f", {total / payload:.2f} for each byte of the samples' tensors, greetings and diagnosis included"
        if payload and total
        else ""
    )
