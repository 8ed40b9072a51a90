"""Makes the certificate of a model's folder: for each kernel call the ops that it computes, from which row of their
output on, and which of its channels. The checker believes none of it; without it, it would have to search.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinyproof.export.graph import Graph, Op
from tinyproof.export.lower import lower
from tinyproof.export.tflite_reader import read_graph
from tinyproof.host.proof.checker.c_source import Source, parse
from tinyproof.host.proof.checker.check import FORMAT, MOVES

Kept = Mapping[int, NDArray[np.intp]]


def make_certificate(files: Mapping[str, bytes]) -> str:
    """certificate.json for the files that `check` takes. UserError for a `.tflite` that the compiled engine refuses."""
    graph = read_graph(files["model.tflite"], "model.tflite")
    lowered = lower(graph)
    joined = {call.ops[0].index: [op.index for op in call.ops] for call in lowered.calls}  # by their first op
    cores = {}
    for core in sorted({name.split("/")[1] for name in files if name.startswith("c/")}):
        sources = [files[f"c/{core}/{name}"] for name in ("model.c", "model.h")]
        source = parse(*(each.decode() for each in sources))
        cores[core] = {
            "sources": [hashlib.sha256(each).hexdigest() for each in sources],
            "calls": _claims(graph, lowered.reduced.kept, joined, source),
        }
    model_sha256 = hashlib.sha256(files["model.tflite"]).hexdigest()
    return json.dumps({"format": FORMAT, "model_sha256": model_sha256, "cores": cores}, indent=1) + "\n"


def _claims(graph: Graph, kept: Kept, joined: Mapping[int, list[int]], source: Source) -> list[dict[str, Any]]:
    """A claim for each call; of one that only moves bytes an empty one."""
    computing = [call for call in source.calls if call.kernel not in MOVES]
    first_ops = {_op_of(call.struct) for call in computing}
    rows: Counter[int] = Counter()
    claims: list[dict[str, Any]] = []
    for call in source.calls:
        if call.kernel in MOVES:
            claims.append({})
            continue
        op = _op_of(call.struct)
        together = call.kernel == "lookup_s8"
        ops = [graph.ops[k] for k in joined[op]] if together else _chain(graph, graph.ops[op], first_ops)
        y = graph.tensors[ops[-1].outputs[0]]
        channels = kept.get(y.index)
        made = _rows(
            source.structs[call.struct][1], source, y.shape, y.shape[-1] if channels is None else len(channels)
        )
        claim: dict[str, Any] = {"ops": [each.index for each in ops], "row": rows[op]}
        claim |= {"rows": made[0], "columns": made[1]}
        if channels is not None:
            claim["channels"] = channels.tolist()
        rows[op] += made[0]
        claims.append(claim)
    return claims


def _op_of(struct: str) -> int:
    """The op that a struct is named after: "conv2d_2", or "conv2d_2_0" of several."""
    match = re.search(r"_(\d+)_\d+$", struct) or re.search(r"_(\d+)$", struct)
    assert match is not None
    return int(match[1])


def _chain(graph: Graph, op: Op, first_ops: set[int]) -> list[Op]:
    """The op, and the pooling that it has taken in: one that reads it and has no call of its own."""
    pools = (each for each in graph.ops if each.name == "MAX_POOL_2D" and each.inputs[0] == op.outputs[0])
    return [op, *(each for each in pools if each.index not in first_ops and op.name == "CONV_2D")]


def _rows(members: dict[str, Any], source: Source, shape: tuple[int, ...], channels: int) -> tuple[int, int]:
    """How many rows and columns of an image (1, h, w, c) a call makes; 1 of anything else."""
    if len(shape) != 4:
        return 1, 1
    windows = members.get("conv", members)
    if "y_h" in windows.get("window", ()):
        last = windows["pool"] if "pool" in windows else windows["window"]
        return int(last["y_h"]), int(last["y_w"])
    elements = int(members.get("count", 0))
    if "loops" in members:
        table = source.tables[members["loops"]["table"]].reshape(-1, 3)
        elements = int(table[:, 0].prod())
    return (elements // (shape[2] * channels) or shape[1]), shape[2]
