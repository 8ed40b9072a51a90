"""The picture of a search: each network's accuracy against its modelled time, and the one that was chosen."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from tinyproof.console import write_atomically

if TYPE_CHECKING:
    from tinyproof.training.candidates import Candidate

PLOT_FILE = "search.png"


def plot(candidates: Sequence[Candidate], chosen: Candidate, path: Path, title: str) -> None:
    """Write the plot as a PNG. The line joins the networks that no other beats in both accuracy and time."""
    import io

    from matplotlib.figure import Figure
    from matplotlib.ticker import LogLocator

    figure = Figure(figsize=(8, 5), layout="constrained")
    axes = figure.subplots()
    axes.scatter(
        [c.cost.milliseconds for c in candidates],
        [100 * c.accuracy for c in candidates],
        s=[12 + c.cost.weight_bytes / 1500 for c in candidates],
        alpha=0.5,
        label="a network; its area grows with its weights",
    )
    front = pareto(candidates)
    axes.step(
        [c.cost.milliseconds for c in front],
        [100 * c.accuracy for c in front],
        where="post",
        color="0.4",
        label="what no faster one beats",
    )
    axes.scatter(
        [chosen.cost.milliseconds],
        [100 * chosen.accuracy],
        s=160,
        marker="*",
        color="crimson",
        zorder=3,
        label=f"chosen: {100 * chosen.accuracy:.1f} %, {chosen.cost.milliseconds:.1f} ms",
    )
    axes.set_xscale("log")
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.xaxis.set_major_formatter("{x:g}")
    axes.xaxis.set_minor_formatter("")
    axes.set_xlabel("modelled time of one image on a Cortex-M4 at 64 MHz, ms")
    axes.set_ylabel("accuracy on validation images after a short training, %")
    axes.set_title(title)
    axes.grid(alpha=0.3)
    axes.legend(loc="lower right")
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=120)
    write_atomically(path, buffer.getvalue())


def pareto(candidates: Sequence[Candidate]) -> list[Candidate]:
    """Those that no other one beats in accuracy without taking longer, fastest first."""
    front: list[Candidate] = []
    for candidate in sorted(candidates, key=lambda c: (c.cost.milliseconds, -c.accuracy)):
        if not front or candidate.accuracy > front[-1].accuracy:
            front.append(candidate)
    return front
