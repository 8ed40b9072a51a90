"""Makes the certificate of a model's folder: for each kernel call the ops that it computes, from which row of their
output on, and which of its channels. The checker believes none of it; without it, it would have to search.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Collection, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinyproof.console import UserError
from tinyproof.cores import CORES, Core
from tinyproof.export.emit_model import emit_model_c
from tinyproof.export.lower import Lowered, lower
from tinyproof.export.program import Program
from tinyproof.export.tflite_reader import read_graph
from tinyproof.host.proof.checker.c_source import Source, parse
from tinyproof.host.proof.checker.check import FORMAT, MOVES
from tinyproof.optimize import Optimize

Kept = Mapping[int, NDArray[np.intp]]


def make_certificate(files: Mapping[str, bytes], cores: Collection[Core] = tuple(CORES.values())) -> str:
    """certificate.json for the files that `check` takes, exported for one of `cores`.

    UserError for a `.tflite` that the compiled engine refuses, and for C that is not what the export makes of it.
    """
    lowered = lower(read_graph(files["model.tflite"], "model.tflite"))
    found = {}
    for core in sorted({name.split("/")[1] for name in files if name.startswith("c/")}):
        sources = [files[f"c/{core}/{name}"] for name in ("model.c", "model.h")]
        text = sources[0].decode(errors="replace")
        program = _program_of(lowered, [each for each in cores if each.name == core] or cores, text)
        found[core] = {
            "sources": [hashlib.sha256(each).hexdigest() for each in sources],
            "calls": _claims(program, lowered.reduced.kept, parse(text, sources[1].decode(errors="replace"))),
        }
    model_sha256 = hashlib.sha256(files["model.tflite"]).hexdigest()
    return json.dumps({"format": FORMAT, "model_sha256": model_sha256, "cores": found}, indent=1) + "\n"


def _program_of(lowered: Lowered, cores: Collection[Core], model_c: str) -> Program:
    """The program that was emitted as this text, whatever the export was to optimize."""
    for core in {(core.kernels, core.prices): core for core in cores}.values():
        for optimize in (Optimize.BALANCED, Optimize.SMALL, Optimize.FAST):
            program = lowered.program(core, optimize)
            if _code(emit_model_c(program, "")) == _code(model_c):
                return program
    raise UserError("the C sources are not what this version exports: export the model again")


def _code(model_c: str) -> str:
    return re.sub(r"//[^\n]*", "", model_c).strip()


def _claims(program: Program, kept: Kept, source: Source) -> list[dict[str, Any]]:
    """A claim for each call; of one that only moves bytes an empty one."""
    claims: list[dict[str, Any]] = []
    for step, call in zip(program.steps, source.calls, strict=True):
        if call.kernel in MOVES:
            claims.append({})
            continue
        ops, channels = tuple(op.index for op in step.ops), kept.get(step.y.index)
        made = _rows(source.structs[call.struct][1], source, step.y.shape, step.ops[-1].name == "REDUCE_MAX")
        claim: dict[str, Any] = {"ops": ops, "row": step.row, "rows": made[0], "columns": made[1]}
        if channels is not None:
            claim["channels"] = channels.tolist()
        claims.append(claim)
    return claims


def _rows(members: dict[str, Any], source: Source, shape: tuple[int, ...], renamed: bool) -> tuple[int, int]:
    """How many rows and columns of an image (1, h, w, c) a call makes; 1 of anything else. `renamed`: the rows and
    columns of its window are other axes.
    """
    if len(shape) != 4:
        return 1, 1
    windows = members.get("conv", members)
    if "y_h" in members:  # of what makes more rows than the convolution in it, or of none
        return int(members["y_h"]), int(members["y_w"])
    elements = int(members.get("count", 0))
    if "y_h" in windows.get("window", ()):
        last = windows["pool"] if "pool" in windows else windows["window"]
        if not renamed:
            return int(last["y_h"]), int(last["y_w"])
        elements = int(last["y_h"]) * int(last["y_w"]) * int(last["y_c"])
    if "loops" in members:
        table = source.tables[members["loops"]["table"]].reshape(-1, 3)
        elements = int(table[:, 0].prod())
    return (elements // (shape[2] * shape[3]) or shape[1]), shape[2]
