"""Hypothesis strategies for the ops that few models have, each a case for `test_kernels.py`."""

from __future__ import annotations

import numpy as np
from every_op import schema_options as options
from hypothesis import strategies as st
from layers import Case, seeds
from op_layers import images, inputs_of

from tinyproof.export.tflite_writer import ModelBuilder


@st.composite
def resize_bilinear(draw: st.DrawFn) -> Case:
    """One RESIZE_BILINEAR, to larger and smaller images."""
    _, x_h, x_w, x_c = shape = draw(images)
    sizes = st.integers(1, 60)
    y_h, y_w = draw(st.one_of(st.tuples(sizes, sizes), st.just((2 * x_h, 2 * x_w))))
    align, half = draw(st.sampled_from(((False, False), (True, False), (False, True))))
    b = ModelBuilder()
    x, y = b.tensor(shape, 0.5), b.tensor((1, y_h, y_w, x_c), 0.5)
    chosen = options("ResizeBilinearOptionsT", alignCorners=align, halfPixelCenters=half)
    b.op("RESIZE_BILINEAR", [x, b.constant(np.array([y_h, y_w], np.int32), None)], [y], chosen)
    return Case(b.build([x], [y]), inputs_of(draw(seeds), shape))


RARER = {"resize_bilinear": resize_bilinear()}
