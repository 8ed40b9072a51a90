"""What an inference costs on this device: its time, and the memory it takes."""

from __future__ import annotations

from markupsafe import Markup

from tinyproof.boards import BOARDS
from tinyproof.host.record.report import Report
from tinyproof.host.report.sections.memory_map import add_memory_map
from tinyproof.page import Bar, Mark, Section, Tile, bars, facts, histogram, note, tiles
from tinyproof.statistics import Latency

MEANING = {
    "instructions": "Instructions, counted exactly by the emulator. They are no cycles: those depend on flash and bus.",
    "cycles": "Cycles, counted by the chip itself.",
    "nanoseconds": "Processor time of this computer, which runs the firmware as a process: nothing about a chip.",
}


def add_time(section: Section, report: Report) -> None:
    """Key numbers and the distribution."""
    latency = report.cost.latency
    if latency is None:
        section.add(note("This device does not measure its inferences."))
        return
    meaning = MEANING.get(latency.unit, "In the device's own unit.")
    if untimed := report.samples - latency.inferences:
        meaning += (
            f" Of {latency.inferences:,} of {report.samples:,} samples: {untimed:,} were answered by a device that "
            "counts otherwise, or while the run was interrupted."
        )
    section.add(tiles(_tiles(latency, report.cost.clock_hz)), meaning)
    if latency.minimum == latency.maximum:
        section.add(
            f"Every one of {latency.inferences:,} inferences took exactly {_number(latency.minimum, latency)} "
            f"{_unit(latency)}."
        )
        return
    section.add(_distribution(latency))


def _tiles(latency: Latency, clock_hz: int) -> list[Tile]:
    named = [("median", latency.median), ("99 in 100 within", latency.p99), ("longest", latency.maximum)]
    note_ = f" at {clock_hz / 1e6:g} MHz"
    return [
        Tile(
            f"{name}, {_unit(latency)}",
            _number(value, latency),
            f"{1e3 * value / clock_hz:.2f} ms{note_}" if latency.unit == "cycles" and clock_hz else "",
        )
        for name, value in named
    ]


def _unit(latency: Latency) -> str:
    """Nanoseconds are shown as milliseconds, what is counted as it is."""
    return "milliseconds" if latency.unit == "nanoseconds" else latency.unit


def _number(value: float, latency: Latency) -> str:
    return f"{value / 1e6:.3f}" if latency.unit == "nanoseconds" else f"{value:,.0f}"


def _distribution(latency: Latency) -> Markup:
    marks = [Mark(latency.median, "median"), Mark(latency.p99, "99 in 100")]
    shortest, median, p99, longest = (
        _number(value, latency) for value in (latency.minimum, latency.median, latency.p99, latency.maximum)
    )
    range_ = f"{latency.inferences:,} inferences from {shortest} to {longest} {_unit(latency)}"
    alt = f"Histogram of {range_}, median {median}, 99 in 100 within {p99}."
    share = (latency.maximum - latency.minimum) / latency.maximum
    apart = f"{_number(latency.maximum - latency.minimum, latency)} apart, {share:.1%} of the longest"
    if share < 0.001:
        apart = f"{_number(latency.maximum - latency.minimum, latency)} apart, less than a thousandth of the longest"
    # From zero: a spread that is next to nothing has to look like it.
    ends = (Mark(0, "0"), Mark(latency.edges[-1], longest))
    edges = (latency.edges[0], latency.edges[-1])
    return histogram(latency.counts, edges, ends, alt, _unit(latency), f"{range_}: {apart}.", marks)


def add_memory(section: Section, report: Report) -> None:
    """Flash, RAM, arena and stack, against what there is."""
    budget = BOARDS[report.board].budget if report.board in BOARDS else None
    items = []
    if budget and report.cost.flash_bytes is not None and report.cost.ram_bytes is not None:
        items.append(_share("flash", report.cost.flash_bytes, budget.flash_bytes))
        items.append(_share("RAM, all of it", report.cost.ram_bytes, budget.ram_bytes))
    if report.cost.arena_reserved_bytes:
        items.append(_share("arena", report.cost.arena_bytes, report.cost.arena_reserved_bytes))
    if items:
        section.add(bars(items, "Memory used of what there is", ("memory", "bytes"), maximum=1))
    section.add(
        facts(
            [
                (
                    "arena: tensors between the ops",
                    f"{report.cost.arena_bytes:,} bytes" if report.cost.arena_bytes else None,
                ),
                (
                    "stack, high-water mark",
                    f"{report.cost.stack_used_bytes:,} bytes" if report.cost.stack_used_bytes else None,
                ),
                ("limits", f"those of the {budget.of}" if budget else "this board has none"),
            ]
        )
    )
    add_memory_map(section, report.diagnosis.ops, report.cost.arena_bytes)


def _share(label: str, used: int, of: int) -> Bar:
    return Bar(label, used / of, f"{used:,} of {of:,}", f"{used / of:.1%}", "bad" if used > of else "")
