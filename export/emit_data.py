"""Emits `model_data.h` and `model_data.c`: the `.tflite` itself as an array, for TensorFlow Lite Micro."""

from __future__ import annotations

from tinyproof.export import c_text


def emit_model_data_h(content: bytes, origin: str) -> str:
    """The array's declaration."""
    return c_text.header(
        origin,
        ["<stddef.h>"],
        f"""
// model.tflite, {len(content):,} bytes, aligned to 16 bytes.
extern const unsigned char model_data[];
extern const size_t model_data_size;
""",
    )


def emit_model_data_c(content: bytes, origin: str) -> str:
    """The array."""
    data = c_text.rows(f"0x{byte:02x}" for byte in content)
    return (
        f'{origin}#include "model_data.h"\n\n{c_text.ALIGNAS}\n'
        f"alignas(16) const unsigned char model_data[] = {{\n{data}}};\n"
        "const size_t model_data_size = sizeof model_data;\n"
    )
