"""The measured figures of README.md and docs/performance.md, as tables of Markdown; `make figures` writes them.

They are the deterministic ones of build/bench.json, of the models that everyone can measure.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from tinyproof.host.bench.inference import (
    PUBLISHED,
    RECORD_CHIP,
    TFLM_CMSIS_NN,
    TRAINED,
    ChipCost,
    ChoiceCost,
    InferenceCost,
    OpCost,
    beside_record,
)
from tinyproof.host.bench.on_boards import DSP, SCALAR, VECTORS, BoardCost
from tinyproof.host.generated_docs import ROOT, with_parts
from tinyproof.protocol_docs import table

SHOWN = {"cnn_small": "`small`", "cnn_course": "`course`", "ic_resnet8": "ResNet8", "kws_dscnn": "DS-CNN"}
COMMAND = "make figures"


@dataclass(frozen=True)
class Figures:
    """Of build/bench.json what the pages show."""

    inference: tuple[InferenceCost, ...]
    optimize: tuple[ChoiceCost, ...]
    boards: tuple[BoardCost, ...]


def read_figures(content: bytes) -> Figures:
    """Of a bench.json. ValueError where it is none, or without one of the models."""
    figures = msgspec.json.decode(content, type=Figures)
    missing = SHOWN.keys() - {cost.model for cost in figures.inference}
    if missing:
        files = ", ".join(str((TRAINED | PUBLISHED)[name]) for name in sorted(missing))
        raise ValueError(f"there are no figures of {files}")
    return figures


def figure_pages(figures: Figures, root: Path = ROOT) -> dict[Path, str]:
    """The text of the pages with these figures."""
    parts = {
        "README.md": {"figures": _summary(figures)},
        "docs/performance.md": {
            "models": _models(figures),
            "optimize": _choices(figures),
            "dsp": _on_boards(figures, DSP),
            "vectors": _on_boards(figures, VECTORS),
            "scalar": _on_boards(figures, SCALAR),
            "calls": "\n\n".join(_calls(cost) for cost in _shown(figures.inference)),
        },
    }
    return {root / name: with_parts(root / name, page, COMMAND) for name, page in parts.items()}


def _shown(costs: Sequence[InferenceCost]) -> list[InferenceCost]:
    found = {cost.model: cost for cost in costs}
    return [found[name] for name in SHOWN]


def _summary(figures: Figures) -> str:
    rows = []
    for cost in _shown(figures.inference):
        theirs = TFLM_CMSIS_NN[cost.model]
        rows.append(
            (
                SHOWN[cost.model],
                *_beside(cost.instructions, theirs.instructions),
                *_beside(cost.ram_bytes, theirs.ram_bytes),
                *(_per(cycles, cost.macs) for cycles in (cost.cycles_modelled, _on_record_chip(cost).cycles_modelled)),
                _per(theirs.record_cycles or 0, cost.macs),
                *(f"{chip.milliseconds:.1f}" for chip in cost.chips),
            )
        )
    chips = [f"ms, {chip.chip}" for chip in figures.inference[0].chips]
    engines = ("TFLM + CMSIS-NN", "")
    per_mac = ("cycles per MAC, ideal memory", f"on an {RECORD_CHIP.title}", "record there")
    header = ("model", "instructions", *engines, "RAM, bytes", *engines, *per_mac, *chips)
    code = [cost.code_bytes for cost in _shown(figures.inference)]
    course = {cost.optimize: cost for cost in figures.optimize if cost.model == "cnn_course"}
    flash = (
        f"The whole firmware without weights takes {min(code):,} to {max(code):,} bytes of flash, against "
        f"{min(one.code_bytes for one in TFLM_CMSIS_NN.values()):,} to "
        f"{max(one.code_bytes for one in TFLM_CMSIS_NN.values()):,}. The constants of `course` take "
        f"{course['balanced'].weight_bytes:,} bytes; with `OPTIMIZE=small` {course['small'].weight_bytes:,}, and an "
        f"inference {course['small'].cycles_modelled / course['balanced'].cycles_modelled:.1f} times the cycles."
    )
    return f"{table(header, rows, 1)}\n\n{flash}"


def _on_record_chip(cost: InferenceCost) -> ChipCost:
    return next(chip for chip in cost.chips if chip.chip == RECORD_CHIP.title)


def _beside(ours: int, theirs: int) -> tuple[str, str, str]:
    return f"{ours:,}", f"{theirs:,}", f"{ours / theirs:.2f}"


def _per(count: int, macs: int) -> str:
    return f"{count / macs:.2f}" if count and macs else ""


def _models(figures: Figures) -> str:
    rows: list[tuple[str, ...]] = []
    for cost in _shown(figures.inference):
        theirs = TFLM_CMSIS_NN[cost.model]
        rows += [
            (f"`{cost.model}`", "instructions", *_beside(cost.instructions, theirs.instructions)),
            ("", "RAM: activations and scratch, bytes", *_beside(cost.ram_bytes, theirs.ram_bytes)),
            ("", "code of the engine, bytes", f"{cost.engine_code_bytes:,}", "", ""),
            ("", "code of the whole firmware, bytes", *_beside(cost.code_bytes, theirs.code_bytes)),
            ("", "modelled cycles, ideal memory", f"{cost.cycles_modelled:,}", "", ""),
            ("", "the same per multiply-accumulate", _per(cost.cycles_modelled, cost.macs), "", ""),
        ]
        for chip in cost.chips:
            both = f"{chip.cycles_modelled:,}: {chip.milliseconds:.2f} ms"
            rows.append(("", f"modelled cycles on an {chip.chip}", both, *beside_record(chip, theirs.record_cycles)))
    return table(("one inference", "", "this", "TFLM + CMSIS-NN", "ratio"), rows, 2)


def _choices(figures: Figures) -> str:
    macs = {cost.model: cost.macs for cost in figures.inference}
    rows = [
        (
            f"`{cost.model}`",
            cost.optimize,
            f"{cost.instructions:,}",
            f"{cost.cycles_modelled:,}",
            _per(cost.cycles_modelled, macs[cost.model]),
            f"{cost.ram_bytes:,}",
            f"{cost.weight_bytes:,}",
        )
        for cost in figures.optimize
        if cost.model in SHOWN
    ]
    numbers = ("instructions", "modelled cycles", "per multiply-accumulate", "RAM, bytes", "constants in flash, bytes")
    return table(("model", "`OPTIMIZE`", *numbers), rows, 2)


def _on_boards(figures: Figures, boards: Sequence[str]) -> str:
    found = {(cost.model, cost.board, cost.compiler): cost for cost in figures.boards}
    compilers = sorted({cost.compiler for cost in figures.boards})
    rows = []
    for model in SHOWN:
        for board in boards:
            costs = [found[model, board, compiler] for compiler in compilers]
            counts = [f"{cost.count:,}: {_per(cost.count, cost.macs)}" for cost in costs]
            rows.append(
                (f"`{model}`", f"`{board}`", *counts, f"{costs[0].arena_bytes:,}", f"{costs[0].weight_bytes:,}")
            )
    header = ("model", "board", *(f"{compiler}: instructions, per MAC" for compiler in compilers))
    return table((*header, "RAM, bytes", "constants in flash, bytes"), rows, 2)


def _calls(cost: InferenceCost) -> str:
    header = (
        *("kernel", "output", "MACs", "instructions", "cycles", "estimated"),
        *("instructions per MAC", "cycles per MAC", "CMSIS-NN, instructions per MAC"),
    )
    return f"### `{cost.model}`\n\n" + table(header, [_call(op) for op in cost.ops], 2)


def _call(op: OpCost) -> tuple[str, ...]:
    return (
        f"`{op.kernel}`",
        "(" + ",".join(map(str, op.output_shape[1:])) + ")",
        *(f"{count:,}" for count in (op.macs, op.instructions, op.cycles_modelled, op.cycles_estimated)),
        *(_per(count, op.macs) for count in (op.instructions, op.cycles_modelled)),
        op.tflm_instructions_per_mac,
    )
