"""What an inference costs on this device: its time, and the memory it takes."""

from __future__ import annotations

from markupsafe import Markup

from firmware.boards import BOARDS
from host.page import Bar, Mark, Section, Tile, bars, facts, histogram, note, tiles
from host.report import Latency, Report
from host.report_sections.memory_map import add_memory_map

MEANING = {
    "instructions": "Instructions, counted exactly by the emulator. They are no cycles: those depend on flash and bus.",
    "cycles": "Cycles, counted by the chip itself.",
    "nanoseconds": "Time on this computer, which runs the firmware as a process: it says nothing about a chip.",
}


def add_time(section: Section, report: Report) -> None:
    """Key numbers and the distribution."""
    latency = report.latency
    if latency is None:
        section.add(note("This device does not measure its inferences."))
        return
    section.add(tiles(_tiles(latency, report.clock_hz)), MEANING[latency.unit])
    if latency.minimum == latency.maximum:
        section.add(
            f"Every one of {latency.inferences:,} inferences took exactly {latency.minimum:,.0f} {latency.unit}."
        )
        return
    section.add(_distribution(latency))


def _tiles(latency: Latency, clock_hz: int) -> list[Tile]:
    def tile(label: str, value: float) -> Tile:
        return Tile(f"{label}, {latency.unit}", f"{value:,.0f}", _milliseconds(value, latency.unit, clock_hz))

    return [
        tile("median", latency.median),
        tile("99 in 100 within", latency.p99),
        tile("longest", latency.maximum),
    ]


def _milliseconds(value: float, unit: str, clock_hz: int) -> str:
    if unit == "nanoseconds":
        return f"{value / 1e6:.3f} ms"
    return f"{1e3 * value / clock_hz:.2f} ms at {clock_hz / 1e6:g} MHz" if unit == "cycles" and clock_hz else ""


def _distribution(latency: Latency) -> Markup:
    marks = [Mark(latency.median, "median"), Mark(latency.p99, "99 in 100")]
    spread = (latency.maximum - latency.minimum) / latency.median if latency.median else 0
    alt = (
        f"Histogram of {latency.inferences:,} inferences from {latency.minimum:,.0f} to {latency.maximum:,.0f} "
        f"{latency.unit}, median {latency.median:,.0f}, 99 in 100 within {latency.p99:,.0f}."
    )
    caption = f"{latency.inferences:,} inferences; the longest takes {spread:.2%} of the median more than the shortest."
    return histogram(latency.counts, latency.edges[0], latency.edges[-1], alt, latency.unit, caption, marks)


def add_memory(section: Section, report: Report) -> None:
    """Flash, RAM, arena and stack, against what there is."""
    budget = BOARDS[report.board].budget if report.board in BOARDS else None
    items = []
    if budget and report.flash_bytes is not None and report.ram_bytes is not None:
        items.append(_share("flash", report.flash_bytes, budget.flash_bytes))
        items.append(_share("RAM, all of it", report.ram_bytes, budget.ram_bytes))
    if report.arena_reserved_bytes:
        items.append(_share("arena", report.arena_bytes, report.arena_reserved_bytes))
    if items:
        section.add(bars(items, "Memory used of what there is", ("memory", "bytes"), maximum=1))
    section.add(
        facts(
            [
                ("arena: tensors between the ops", f"{report.arena_bytes:,} bytes" if report.arena_bytes else None),
                ("stack, high-water mark", f"{report.stack_used_bytes:,} bytes" if report.stack_used_bytes else None),
                ("limits", f"those of the {budget.of}" if budget else "this board has none"),
            ]
        )
    )
    add_memory_map(section, report.ops, report.arena_bytes)


def _share(label: str, used: int, of: int) -> Bar:
    return Bar(label, used / of, f"{used:,} of {of:,}", f"{used / of:.1%}", "bad" if used > of else "")
