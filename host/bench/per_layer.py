"""Counted kernel calls put together by layer: one that is computed in bands takes several."""

from __future__ import annotations

from dataclasses import dataclass

from tinyproof.export.ops import macs_of
from tinyproof.export.program import Program, Step
from tinyproof.host.bench.cycles import Cost


@dataclass(frozen=True, eq=False)
class LayerCost:
    """All calls that compute some ops."""

    steps: tuple[Step, ...]
    macs: int
    instructions: int
    cycles: int

    @property
    def kernels(self) -> str:
        """Their names, each once."""
        return ", ".join(dict.fromkeys(step.kernel.name for step in self.steps))


def layer_costs(program: Program, cost: Cost) -> list[LayerCost]:
    """In the order of the first call of each. `cost`: of the program's firmware."""
    assert [call.kernel for call in cost.calls] == [f"{step.kernel.name}_s8" for step in program.steps]
    places: dict[tuple[int, ...], list[int]] = {}
    for place, step in enumerate(program.steps):
        places.setdefault(tuple(op.index for op in step.ops), []).append(place)
    return [
        LayerCost(
            tuple(program.steps[place] for place in of),
            macs_of(program.graph, program.steps[of[0]].ops),
            sum(cost.calls[place].instructions for place in of),
            sum(cost.calls[place].cycles for place in of),
        )
        for of in places.values()
    ]
