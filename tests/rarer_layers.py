"""Hypothesis strategies for the ops that few models have, each a case for `test_kernels.py`."""

from __future__ import annotations

import numpy as np
from every_op import schema_options as options
from hypothesis import strategies as st
from layers import Case, seeds, zero_points
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


@st.composite
def log_softmax(draw: st.DrawFn) -> Case:
    """One LOG_SOFTMAX, from scales where all is equal to those where one class takes all."""
    shape = (*draw(st.sampled_from(((1,), (3,), (1, 2, 2)))), draw(st.one_of(st.integers(1, 12), st.just(4095))))
    scale = float(np.float32(2.0 ** draw(st.one_of(st.floats(-25, 6), st.floats(-7, 0)))))
    b = ModelBuilder()
    x, y = b.tensor(shape, scale, draw(zero_points)), b.tensor(shape, 1 / 16, 127)
    b.op("LOG_SOFTMAX", [x], [y], options("LogSoftmaxOptionsT"))
    near = np.random.default_rng(draw(seeds)).integers(-128, -128 + draw(st.integers(1, 255)), shape, np.int8)
    return Case(b.build([x], [y]), (near, *inputs_of(draw(seeds), shape)))


RARER = {"log_softmax": log_softmax(), "resize_bilinear": resize_bilinear()}
