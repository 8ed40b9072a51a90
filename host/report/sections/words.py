"""Numbers and names as all sections write them."""

from __future__ import annotations

from tinyproof.statistics import Interval


def percent(share: float) -> str:
    """A share with two decimals that never rounds to all or nothing: 99.999 % is not 100 %."""
    if share in (0, 1):
        return f"{share:.0%}"
    text = f"{share:.2%}"
    return {"100.00%": "over 99.99%", "0.00%": "under 0.01%"}.get(text, text)


def interval(between: Interval | None) -> str | None:
    """`97.1% to 99.0%`; None where there is none."""
    return f"{percent(between.low)} to {percent(between.high)}" if between else None


def count(number: int, what: str, plural: str = "") -> str:
    """`1 sample`, `2 samples`."""
    return f"{number:,} {what if number == 1 else plural or what + 's'}"


def class_name(classes: list[str], index: int) -> str:
    """The name of a class, or its number where classes have no names."""
    return classes[index] if 0 <= index < len(classes) else f"class {index}"
