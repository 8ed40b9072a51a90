"""Emits `model_ops.h`: exactly the ops of the model, for TFLM's `MicroMutableOpResolver`.

A model that the compiled engine refuses can still run on TFLM.
"""

from __future__ import annotations

from tinyproof.export.graph import Graph
from tinyproof.export.op_table import TFLM_OPS, cure


def emit_model_ops_h(graph: Graph, origin: str) -> str:
    """The list of ops, and for C++ the function that adds them. UserError for an op without a resolver method."""
    for op in graph.ops:
        if op.name not in TFLM_OPS:
            raise graph.refusal(op, f"TensorFlow Lite Micro has no method to add {op.name}; {cure(op.name)}")
    methods = sorted({TFLM_OPS[op.name].method for op in graph.ops})
    has_state = int(any(tensor.is_variable for tensor in graph.tensors))
    listed = " ".join(f"OP({method})" for method in methods)
    calls = " &&\n           ".join(f"static_cast<int>(resolver.Add{method}()) == 0" for method in methods)
    return f"""{origin}#pragma once

#define MODEL_OPERATOR_COUNT {len(graph.ops)}
#define MODEL_OPS_COUNT {len(methods)}
#define MODEL_HAS_STATE {has_state}
#define MODEL_OPS(OP) {listed}

#ifdef __cplusplus
// Adds the model's ops to a tflite::MicroMutableOpResolver<MODEL_OPS_COUNT or more>; false if it does not take one.
template <typename Resolver>
bool model_add_ops(Resolver &resolver) {{
    return {calls};
}}
#endif
"""
