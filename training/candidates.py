"""The networks that a search has tried, and which of them is the one to take."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tinyproof.training.network import Network

if TYPE_CHECKING:
    from tinyproof.training.cost import Cost

NEAR = 0.005  # share of images; networks whose accuracies differ by less are as good as each other


@dataclass(frozen=True)
class Candidate:
    """A network that was tried: its accuracy on validation images after a short training, and its cost."""

    network: Network
    accuracy: float
    cost: Cost


def choose(candidates: list[Candidate]) -> Candidate:
    """The fastest of those that are as good as the best one."""
    best = max(candidate.accuracy for candidate in candidates)
    return min((c for c in candidates if c.accuracy >= best - NEAR), key=lambda c: (c.cost.milliseconds, -c.accuracy))
