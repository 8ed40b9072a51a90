"""Emits `model_settings.h` and `model_settings.c`: what the application tells a host about the model."""

from __future__ import annotations

import numpy as np

from tinyproof.export import c_text
from tinyproof.export.graph import Tensor
from tinyproof.manifest import Manifest, TensorInfo
from tinyproof.protocol import TENSOR_RANK_LIMIT


def tensor_info(tensor: Tensor) -> TensorInfo:
    """What the manifest says of an int8 tensor with one scale."""
    assert tensor.quantization is not None  # checked when lowering
    scale, zero_point = tensor.quantization.scale[0], tensor.quantization.zero_point[0]
    return TensorInfo(tensor.name, tensor.shape, tensor.dtype, float(scale), int(zero_point))


def emit_model_settings_h(manifest: Manifest, origin: str) -> str:
    """Sizes as macros, tables as declarations."""
    height, width, channels = manifest.picture or (0, 0, 0)
    return c_text.header(
        origin,
        ["<stddef.h>", "<stdint.h>", '"tensor_spec.h"'],
        f"""
#define MODEL_NAME {c_text.string(manifest.name)}
#define MODEL_INPUT_COUNT {len(manifest.inputs)}
#define MODEL_OUTPUT_COUNT {len(manifest.outputs)}
#define MODEL_INPUT_BYTES {manifest.input_bytes}
#define MODEL_OUTPUT_BYTES {manifest.output_bytes}
#define MODEL_TFLM_ARENA_BYTES {manifest.tflm_arena_bytes}
#define MODEL_LABEL_COUNT {len(manifest.labels)}
#define MODEL_PIXEL_INPUT {int(manifest.pixel_input)}  // whether an input byte is a pixel, 0..255, less 128
#define MODEL_PICTURE_HEIGHT {height}  // of a model that takes one picture of pixels; else 0
#define MODEL_PICTURE_WIDTH {width}
#define MODEL_PICTURE_CHANNELS {channels}  // 1, grey, or 3, RGB

extern const uint8_t model_sha256[32];            // of model.tflite
extern const tensor_spec model_inputs[];          // (MODEL_INPUT_COUNT,)
extern const tensor_spec model_outputs[];         // (MODEL_OUTPUT_COUNT,)
extern const char *const model_labels[];          // (MODEL_LABEL_COUNT + 1,): UTF-8, the last one is NULL
""",
    )


def emit_model_settings_c(manifest: Manifest, origin: str) -> str:
    """The tables."""
    digest = c_text.rows(f"0x{byte:02x}" for byte in bytes.fromhex(manifest.model_sha256))
    labels = c_text.rows([*map(c_text.string, manifest.labels), "NULL"])
    return (
        f'{origin}#include "model_settings.h"\n\n'
        f"const uint8_t model_sha256[32] = {{\n{digest}}};\n\n"
        f"const tensor_spec model_inputs[] = {{\n{_specs(manifest.inputs)}}};\n\n"
        f"const tensor_spec model_outputs[] = {{\n{_specs(manifest.outputs)}}};\n\n"
        f"const char *const model_labels[] = {{\n{labels}}};\n"
    )


def _specs(tensors: tuple[TensorInfo, ...]) -> str:
    return "".join(f"{c_text.INDENT}{_spec(tensor)}  // {c_text.comment(tensor.name)}\n" for tensor in tensors)


def _spec(tensor: TensorInfo) -> str:
    dims = ", ".join(map(str, (*tensor.shape, *[0] * (TENSOR_RANK_LIMIT - len(tensor.shape)))))
    return f"{{{len(tensor.shape)}, {{{dims}}}, {c_text.real(np.float32(tensor.scale))}, {tensor.zero_point}}},"
