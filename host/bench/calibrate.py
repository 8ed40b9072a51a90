"""Fits the prices of `export.cost` to what is counted, into `export/cost_table.py` and the tables of other cores there.

Random layers of every kind go into a few models; each model is built for a core and run once, which gives the cycles of
each layer on a Cortex-M4F, and the instructions on other cores. Run it after a change of a kernel (minutes for a core),
naming that kernel where the others stayed as they are, which is quicker, and read the errors it prints.
"""

from __future__ import annotations

import tempfile
from collections import defaultdict
from collections.abc import Sequence, Set
from dataclasses import replace
from math import prod
from pathlib import Path

import numpy as np
from ai_edge_litert import schema_py_generated as schema

import tinyproof.export.cost
from tinyproof.boards import Board, find_board
from tinyproof.console import UserError, console, track, write_atomically
from tinyproof.cores import CORTEX_M0PLUS, CORTEX_M4F, CORTEX_M55, RV32IMC, Core
from tinyproof.export.cost import CYCLES, OTHER, events, price_name
from tinyproof.export.emit import export_model, write_export
from tinyproof.export.emit_model import emit_model_c, emit_model_h
from tinyproof.export.lower import lower
from tinyproof.export.ops import KERNELS
from tinyproof.export.program import Program, Step
from tinyproof.export.tflite_reader import read_graph
from tinyproof.export.tflite_writer import ModelBuilder
from tinyproof.firmware.build import build as build_image
from tinyproof.firmware.build import image_path
from tinyproof.host.bench.convolution_layers import ACCUMULATOR_STEP, LayerKind
from tinyproof.host.bench.counts import count
from tinyproof.host.bench.cycles import measure
from tinyproof.host.bench.layers import LAYERS
from tinyproof.host.connection import connect
from tinyproof.host.device import count as in_units
from tinyproof.manifest import C_FOLDER, load_manifest
from tinyproof.optimize import Optimize

TABLES = Path(tinyproof.export.cost.__file__).parent
COUNTED = {  # the boards on which they are
    CORTEX_M4F: "qemu",
    CORTEX_M0PLUS: "pico",
    RV32IMC: "qemu-riscv32",
    CORTEX_M55: "qemu-m55",
}
HEAD = '''"""Written by `tinyproof calibrate`. Do not edit."""

# core: kernel: the call, then each of its events
'''
MODELS = 8


def random_layers(seed: int, side_by_side: bool = False, kinds: Sequence[LayerKind] = LAYERS) -> bytes:
    """Layers that have nothing to do with each other. Each with an input and an output of its own, if `side_by_side`;
    else in a chain, where between them all values become one and one becomes all.
    """
    b, rng = ModelBuilder(), np.random.default_rng(seed)
    inputs = [] if side_by_side else [b.tensor((1, 1), 1.0)]
    outputs = list(inputs)

    def source(shape: tuple[int, ...], scale: float, zero_point: int = 0) -> int:
        x = b.tensor(shape, scale, zero_point)
        if side_by_side:
            inputs.append(x)
        else:
            b.op("ADD", [outputs[-1], b.constant(np.zeros(shape, np.int8), [0.5])], [x], schema.AddOptionsT())
        return x

    for make, times in kinds:
        for _ in range(2 if side_by_side else times):
            outputs.append(make(b, rng, source))
            if not side_by_side:
                y = outputs[-1]
                outputs.append(b.tensor((1, 1), 1 / ACCUMULATOR_STEP))
                weights = b.constant(rng.integers(-127, 128, (1, prod(b.shape(y))), np.int8), [1.0])
                b.dense([y, weights], outputs[-1])
    return b.build(inputs, outputs if side_by_side else outputs[-1:])


def kinds_for(kernels: Sequence[str], core: Core) -> Sequence[LayerKind]:
    """The kinds of layers of which some take one of these kernels; all where none is named.

    UserError for a kernel that no layer takes: told here, as counting takes minutes.
    """
    if not kernels:
        return LAYERS
    taken = [(kind, _taken(kind, core)) for kind in LAYERS]
    _refuse_untaken(kernels, set().union(*(names for _, names in taken)), core)
    return [kind for kind, names in taken if not names.isdisjoint(kernels)]


def _taken(kind: LayerKind, core: Core) -> set[str]:
    """The names of the kernels that layers of a kind take on a core."""
    lowered = lower(read_graph(random_layers(0, kinds=[(kind[0], 30)]), "random layers"))
    programs = (lowered.program(each, optimize) for each in _with_fewer(core) for optimize in Optimize)
    return {step.kernel.name for program in programs for step in program.steps}


def _refuse_untaken(kernels: Sequence[str], taken: Set[str], core: Core) -> None:
    if missing := set(kernels) - taken:
        raise UserError(
            f"no layer takes {', '.join(sorted(missing))} on {core.name}; those taken: {', '.join(sorted(taken))}: "
            "correct the name, or add such a layer to LAYERS in host/bench/layers.py"
        )


def _with_fewer(core: Core) -> list[Core]:
    """A core with all its kernels, then with those of fewer folders."""
    return [replace(core, kernels=core.kernels[:most]) for most in range(len(core.kernels), 0, -1)]


def count_cost(model: Path, program: Program, core: Core) -> list[tuple[Step, int]]:
    """Every step of a program, in the place of an exported model's own, with what is counted for it on a core."""
    folder = model / C_FOLDER / core.name
    (folder / "model.c").write_text(emit_model_c(program, ""))
    (folder / "model.h").write_text(emit_model_h(program, ""))
    board = find_board(next(board for counted, board in COUNTED.items() if counted.name == core.name))
    build_image(model, board)
    manifest = load_manifest(model)
    x = np.random.default_rng(1).integers(-128, 128, manifest.input_bytes, np.int8).tobytes()
    image = image_path(model, board)
    if core.name == CORTEX_M55.name:
        return _told(model, board, x, program)
    if core.name == CORTEX_M4F.name:
        costs = [call.cycles for call in measure(image, x, manifest.output_bytes).calls]
    else:
        costs = [call.instructions for call in count(image, x, manifest.output_bytes).calls]
    return list(zip(program.steps, costs, strict=True))


def _told(model: Path, board: Board, x: bytes, program: Program) -> list[tuple[Step, int]]:
    """What the board itself counts, of the steps that make a tensor alone."""
    with connect(model, board, None) as device:
        hello = device.hello()
        traced = iter(device.trace(x).tensors[len(program.inputs) :])
    found, parts = [], 0
    for step in program.steps:
        parts += 1
        if step.finishes_y:
            instructions = in_units(next(traced).ticks, hello)
            found += [(step, instructions)] if parts == 1 else []
            parts = 0
    return found


def _samples(content: bytes, model: Path, core: Core) -> list[tuple[Step, int]]:
    """Of a model of random layers: by all kernels of the core, then by fewer."""
    write_export(model, content, export_model(content, "random layers", "layers", (), None))
    lowered, found = lower(read_graph(content, "random layers")), list[tuple[Step, int]]()
    for some in _with_fewer(core):
        found += count_cost(model, lowered.program(some), some)
    counted = {step.kernel.name for step, _ in found}
    small = count_cost(model, lowered.program(core, Optimize.SMALL), core)
    return found + [(step, cost) for step, cost in small if step.kernel.name not in counted]


def fit(samples: list[tuple[Step, int]]) -> dict[str, tuple[float, ...]]:
    """Prices for each kernel, none negative, that make the relative errors small."""
    from scipy.optimize import nnls  # comes with scikit-learn

    by_kernel: dict[str, list[tuple[tuple[int, ...], int]]] = defaultdict(list)
    for step, cycles in samples:
        for name in {price_name(step.kernel), *([] if step.kernel.events else [OTHER])}:
            by_kernel[name].append((events(step), cycles))
    prices = {}
    for kernel, counted in sorted(by_kernel.items()):
        total = np.array([cycles for _, cycles in counted], float)
        rows = np.array([each for each, _ in counted], float) / total[:, None]
        prices[kernel] = tuple(round(float(price), 3) for price in nnls(rows, np.ones(len(rows)))[0])
        errors = np.abs(rows @ prices[kernel] - 1)
        console.print(f"{kernel}: {len(rows)} layers, mean error {errors.mean():.1%}, largest {errors.max():.1%}")
    return prices


def calibrate(kernels: Sequence[str], core: Core = CORTEX_M4F) -> None:
    """Fit the prices of these kernels on a core, or of all where none is named, and write the table.

    UserError for a kernel that no layer takes: before anything is counted, or, where only rare layers take it and
    none was among those counted, after the prices of the others are written.
    """
    known = CYCLES.get(core.name, {})
    samples: list[tuple[Step, int]] = []
    kinds = kinds_for(kernels, core)
    with tempfile.TemporaryDirectory() as folder:
        for seed in track(range(MODELS), f"random layers on {core.name}"):
            samples += _samples(random_layers(seed, kinds=kinds), Path(folder) / f"layers_{seed}", core)
    prices = fit([sample for sample in samples if not kernels or sample[0].kernel.name in kernels])
    folders = {"", *core.kernels}
    own = {name for name, kernel in KERNELS.items() if kernel.folder in folders}
    kept = {name: costs for name, costs in known.items() if name in own or name == OTHER}  # of layers not met here
    text = _table(core.name, dict(sorted({**kept, **prices}.items())))
    write_atomically(_file(core), f"{HEAD}CYCLES: dict[str, dict[str, tuple[float, ...]]] = {{\n{text}}}\n")
    console.print(f"written to {_file(core)}")
    _refuse_untaken(kernels, set(prices), core)


def _file(core: Core) -> Path:
    """Its table: one for each core, as all together would be a long file."""
    own = "" if core.name == CORTEX_M4F.name else "_" + core.name.replace("-", "_")
    return TABLES / f"cost_table{own}.py"


def _table(core: str, prices: dict[str, tuple[float, ...]]) -> str:
    rows = "".join(_row(kernel, costs) for kernel, costs in prices.items())
    return f"    {core!r}: {{\n{rows}    }},\n".replace("'", '"')


def _row(kernel: str, costs: tuple[float, ...]) -> str:
    """A line of the table; a line for each price where one would be too long for the linter."""
    row = f"        {kernel!r}: {costs},\n"
    prices = "".join(f"            {cost},\n" for cost in costs)
    return row if len(row) <= 121 else f"        {kernel!r}: (\n{prices}        ),\n"
