"""ADD and SUB of tensors whose rows both go on byte by byte: the kernel `add_helium_s8`."""

from __future__ import annotations

from dataclasses import replace

from tinyproof.export.ops import add_packed
from tinyproof.export.ops.add_packed import AddPackedParams
from tinyproof.export.ops.kind import Call, Events, Fast, Kernel
from tinyproof.export.ops.loops import broadcast_leads
from tinyproof.export.ops.vectors import HELIUM
from tinyproof.export.ops.window import Window
from tinyproof.optimize import Optimize


def events(params: AddPackedParams) -> Events:
    """How often it does each thing that has a price: rows, and elements."""
    return params.loops.rows, params.loops.elements


ADD_HELIUM = Kernel("add_helium", leads=broadcast_leads, events=events, folder=HELIUM)


def fit(call: Call, pool: Window | None, optimize: Optimize) -> Call | None:
    """Of what the kernel without vectors takes; `AddPackedParams` serve both."""
    packed = add_packed.fit(call, pool, optimize)
    if packed is None or not isinstance(packed.params, AddPackedParams):
        return None
    if packed.params.loops.table[-1, 1:].tolist() != [1, 1]:
        return None
    return replace(packed, kernel=ADD_HELIUM)


FAST = Fast(ADD_HELIUM, fit, rank=-1)  # before the kernel without vectors
