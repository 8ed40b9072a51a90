"""Functions that TFLM has for float32 alone: between int8 tensors each becomes a table, with the golden's bytes."""

from __future__ import annotations

import needs
import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from kernel_library import KernelLibrary

from tinyproof.console import UserError
from tinyproof.export.adapting import adapted
from tinyproof.export.conversion.convert import run_converter
from tinyproof.export.golden import Golden
from tinyproof.export.lower import lower
from tinyproof.export.tflite_reader import read_graph
from tinyproof.export.tflite_writer import ModelBuilder

ALL_BYTES = np.arange(-128, 128).astype(np.int8)
ACTIVATIONS = """
    elu selu celu gelu mish silu softplus softsign exponential squareplus log_sigmoid tanh_shrink hard_shrink
    soft_shrink hard_tanh hard_sigmoid sparse_plus sparse_sigmoid
""".split()  # noqa: SIM905


def assert_golden(kernels: KernelLibrary, content: bytes, x: np.ndarray) -> list[str]:
    """The kernels of the program, which gives the golden's bytes."""
    program = lower(read_graph(content, "model")).program()
    expected = np.frombuffer(Golden(content).run_bytes(x.tobytes()), np.int8)
    np.testing.assert_array_equal(kernels.run(program, x.reshape(-1)), expected)
    return [step.kernel.name for step in program.steps]


def of_one(name: str, y_scale: float, zero_point: int = -100, x_zero_point: int = 0) -> bytes:
    """An int8 op as converters write it."""
    b = ModelBuilder()
    x, y = b.tensor((1, 256), 0.05, x_zero_point), b.tensor((1, 256), y_scale, zero_point)
    other = b.constant(np.array([[30]], np.int8), [0.1], [-5])
    b.op(name, [x] if name in ("EXP", "SQUARE", "NEG", "COS", "GELU", "SQRT", "LOG") else [x, other], [y])
    return b.build([x], [y])


@needs.golden
@pytest.mark.parametrize(
    "name, y_scale, x_zero_point",
    [("EXP", 2.0, 0), ("SQUARE", 0.2, 3), ("NEG", 0.04, 1), ("COS", 0.01, 0), ("GELU", 0.03, 9), ("SQRT", 0.02, -128),
     ("DIV", 0.02, 0)],
)  # fmt: skip
def test_an_int8_op_that_tflm_lacks_is_a_lookup_by_way_of_float32(kernels, name, y_scale, x_zero_point):
    content = adapted(of_one(name, y_scale, x_zero_point=x_zero_point), "model")
    assert assert_golden(kernels, content, ALL_BYTES) == ["lookup"]


@needs.golden
def test_a_decision_is_one_too_and_a_select_of_one_shape_is_the_one_that_tflm_has(kernels):
    b = ModelBuilder()
    x, twice, y = (b.tensor((1, 256), *q) for q in ((0.05, 3), (0.1, -7), (0.06, 20)))
    is_large = b.tensor((1, 256), None, dtype="bool")
    b.op("GREATER", [x, b.constant(np.array([40], np.int8), [0.05])], [is_large])
    b.op("ADD", [x, x], [twice], schema.AddOptionsT())
    b.op("SELECT", [is_large, x, twice], [y])
    content = adapted(b.build([x], [y]), "model")
    assert "SELECT_V2" in [op.name for op in read_graph(content, "model").ops]
    assert assert_golden(kernels, content, ALL_BYTES) == ["lookup"]


@needs.tensorflow
@needs.golden
def test_every_activation_of_keras_is_at_most_one_lookup(kernels):
    import keras

    x = keras.Input((4, 4, 4), batch_size=1)
    image = keras.layers.Conv2D(8, 1, kernel_initializer=keras.initializers.RandomNormal(seed=1))(x)
    parts = [keras.layers.Activation(name)(image) for name in ACTIVATIONS]
    parts.append(keras.layers.ReLU(max_value=2.0, negative_slope=0.1, threshold=0.2)(image))
    model = keras.Model(x, parts)
    rng = np.random.default_rng(1)
    content = run_converter(model, [rng.normal(0, 2, (1, 4, 4, 4)).astype(np.float32) for _ in range(20)])
    names = [assert_golden(kernels, content, rng.integers(-128, 128, 64, np.int8)) for _ in range(3)][0]
    assert set(names) == {"conv2d_pointwise", "lookup"} and names.count("lookup") <= len(parts)


def test_a_function_of_tensors_that_are_independent_is_refused_by_name():
    b = ModelBuilder()
    xs, y = [b.tensor((1, 8), 0.1, 7) for _ in range(2)], b.tensor((1, 8), 0.5)
    b.op("DIV", xs, [y])
    with pytest.raises(UserError, match="DIV .* joins tensors in float32"):
        lower(read_graph(adapted(b.build(xs, [y]), "model"), "model"))


def test_one_that_gives_no_number_for_a_byte_that_can_be_is_refused():
    with pytest.raises(UserError, match="LOG .* gives no number"):
        lower(read_graph(adapted(of_one("LOG", 0.02), "model"), "model"))
