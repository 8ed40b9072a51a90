"""What a Program costs on a core, in modelled cycles, without running it: to choose a network before training.

Every kernel's cycles are a sum over what it does: once for the call, for each pixel, for each group of filters, for
each quad of taps... How often, its declaration in `export.ops` says (`events`); what each costs was fitted to the
cycles that `host.bench.cycles` counts for random layers, or to the instructions where a core's `unit` is these
(`tinyproof calibrate` writes `cost_table.py`). Kernels of rare
ops declare no events; they have one price for every element they make or read.
"""

from __future__ import annotations

from tinyproof.cores import CORTEX_M4F, Core
from tinyproof.export import cost_table, cost_table_cortex_m0plus, cost_table_cortex_m55, cost_table_rv32imc
from tinyproof.export.ops.kind import Call, Events, Kernel
from tinyproof.export.program import Program, Step

_TABLES = (cost_table, cost_table_cortex_m0plus, cost_table_cortex_m55, cost_table_rv32imc)
CYCLES: dict[str, dict[str, tuple[float, ...]]] = {
    core: prices for table in _TABLES for core, prices in table.CYCLES.items()
}
OTHER = "other"  # the prices of kernels that declare no events


def modelled_cycles(program: Program, core: Core = CORTEX_M4F) -> int:
    """Cycles of one inference, as `host.bench.cycles` would count them within some percent (docs/performance.md)."""
    return sum(step_cycles(step, core) for step in program.steps)


def step_cycles(step: Step, core: Core = CORTEX_M4F) -> int:
    """Cycles of one kernel call. KeyError, with what to do, for a kernel that has events and no price."""
    return _price(step.kernel, events(step), core)


def call_cycles(call: Call, core: Core = CORTEX_M4F) -> int:
    """The same for one that is not laid out yet; 0 of a kernel without events or without a price, so that a new one is
    taken where it fits, and can be calibrated.
    """
    if not call.kernel.events or price_name(call.kernel) not in CYCLES.get(core.prices, {}):
        return 0
    return _price(call.kernel, (1, *call.kernel.events(call.params)), core)


def _price(kernel: Kernel, events: Events, core: Core) -> int:
    name = price_name(kernel)
    prices = CYCLES.get(core.prices, {})
    if name not in prices:
        raise KeyError(f"{name} has no price on {core.name}: run tinyproof calibrate --kernel {name}")
    return round(sum(price * count for price, count in zip(prices[name], events, strict=True)))


def milliseconds(cycles: int, clock_hz: int) -> float:
    """How long that takes."""
    return 1000 * cycles / clock_hz


def price_name(kernel: Kernel) -> str:
    """Under which name its prices stand."""
    return kernel.name if kernel.events or kernel.has_price else OTHER


def events(step: Step) -> Events:
    """How often a step does each thing that has a price; the first is 1, for the call."""
    if step.kernel.events:
        return (1, *step.kernel.events(step.params))
    return 1, step.y.size, sum(x.size for x in step.xs)
