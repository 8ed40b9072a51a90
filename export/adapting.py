"""A model with ops that TensorFlow Lite Micro runs in the place of those that it does not."""

from __future__ import annotations

from tinyproof.export.byte_moves import with_byte_moves
from tinyproof.export.dilations import with_dilations
from tinyproof.export.fewer_axes import with_fewer_axes
from tinyproof.export.float_islands import with_float_islands
from tinyproof.export.half_bytes import with_whole_bytes
from tinyproof.export.other_writers import as_tflm_reads
from tinyproof.export.own_outputs import with_own_outputs

ADAPTERS = [
    *(with_whole_bytes, with_dilations, as_tflm_reads, with_own_outputs, with_byte_moves, with_fewer_axes),
    with_float_islands,
]


def adapted(content: bytes, source: str) -> bytes:
    """The `.tflite` with weights of 4 bits as bytes, dilated convolutions as such, its moves of numbers as moves of
    bytes and of as few axes as they need, in float32 what has no int8 form there, with a tensor for each output, and
    such that LiteRT and it read the same; the same bytes where there is nothing to change. UserError where they are no
    model.
    """
    for adapt in ADAPTERS:
        content = adapt(content, source)
    return content
